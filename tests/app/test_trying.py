import pytest

from pages.training.tries import UNSURE_LEAD, is_unsure
from tests.app.conftest import photo_message, send_photo, settled, words
from tests.app.training import jobs, taught, two_boxes, with_digits
from tests.hostile import photo, saved
from tl_core.specs.classify import Answer


@pytest.fixture
def digits(open_page):
    """The page with the digits chosen, four of each to learn from."""
    return with_digits(open_page("teach"))


def titles(page):
    return [block.value for block in page.subheader]


def test_a_test_photograph_is_tried_until_another_is_chosen(digits):
    page = settled(taught(digits, "head"))
    assert "A validation photograph it never learned from: " in words(page)
    send_photo(page, photo_message(saved(photo(224, 224), "PNG"), number=5))
    page = settled(page)
    assert "A validation photograph it never learned from: " not in words(page)
    assert len(page.session_state["visit"].tries) == 1


def test_the_last_ten_that_were_tried_stand_in_a_row_and_a_press_shows_one_again(digits, labelled):
    page = settled(taught(digits, "head"))
    for number, (_label, data) in enumerate(labelled[:11]):
        page = settled(send_photo(page, photo_message(data, number=10 + number)))
    visit = page.session_state["visit"]
    assert len(visit.tries) == 10
    oldest = visit.tries[-1].photo
    page = settled(page.button_group(key="tries").set_value(oldest).run())
    assert page.session_state["sample"] == oldest
    assert visit.tries[0].photo == oldest


def test_of_several_methods_the_best_on_the_test_stands_in_front_beside_the_others(digits):
    page = settled(taught(digits, "pixels", "head"))
    results = [job.snapshot.result for job in jobs(page)]
    best = max(results, key=lambda result: result.accuracy)
    assert page.selectbox(key="own_model").value == best.model
    assert "The best on the validation photographs comes first." in words(page)
    drawn = " ".join(node.proto.body for node in page.get("html"))
    assert all(f"{name}: <b>" in drawn for name in ("Raw pixels", "New head"))


def test_where_the_intervals_overlap_the_page_does_not_say_which_method_is_better(
    open_page, labelled
):
    page = two_boxes(open_page("teach"), labelled)
    page = settled(taught(page, "head", "pixels"))
    assert "too few to say which method is better" in words(page)


@pytest.mark.parametrize(
    ("shares", "unsure"), [((0.508, 0.492), True), ((0.61, 0.39), False), ((1.0,), False)]
)
def test_an_answer_that_hardly_leads_is_none(shares, unsure):
    answers = [Answer(index=i, label=str(i), probability=share) for i, share in enumerate(shares)]
    assert is_unsure(answers) is unsure
    assert 0 < UNSURE_LEAD < 0.5


def test_a_model_is_called_otherwise_and_thrown_away(digits, app_lab):
    page = settled(taught(digits, "head"))
    model = jobs(page)[0].snapshot.result.model
    visitor = page.session_state["visit"].id
    page.button(key="use_everywhere").click().run()
    page = settled(page)
    assert "All pages now use" in words(page)
    page.text_input(key=f"model_label_{model}").set_value("digits of mine").run()
    assert app_lab.models.of(visitor) == {model: "digits of mine"}
    assert page.selectbox(key="own_model").options == ["digits of mine"]
    page = settled(page.button(key="drop_model").click().run())
    assert app_lab.models.of(visitor) == {}
    assert page.selectbox(key="backbone").value == "efficientnet_lite0"
    assert not page.exception


def test_an_empty_name_leaves_a_model_as_it_is_called(digits, app_lab):
    page = settled(taught(digits, "head"))
    model = jobs(page)[0].snapshot.result.model
    before = app_lab.models.of(page.session_state["visit"].id)
    page.text_input(key=f"model_label_{model}").set_value("  ").run()
    assert app_lab.models.of(page.session_state["visit"].id) == before
