import pytest

from tests.app.conftest import pictures, settled, words
from tl_core.lab import Job


@pytest.fixture
def page(open_page):
    page = open_page("why")
    page.button_group(key="sample").set_value("sample:cat").run()
    return settled(page)


def question(page) -> str:
    """What the page answers."""
    return next(block.value for block in page.subheader if block.value.startswith("Why "))


def test_the_predicted_class_is_explained_with_proof_and_the_runner_up_beside_it(page):
    assert question(page).startswith("Why tiger cat? (")
    assert [figure.label for figure in page.metric] == [
        "Most important 20 % blurred",
        "Same blur elsewhere",
    ]
    assert "Runner-up: **Egyptian cat**" in words(page)
    assert "where the evidence for tiger cat lies" in pictures(page)
    assert "where the evidence for Egyptian cat lies" in pictures(page)


def test_the_photograph_is_there_before_any_map(open_page, app_lab, monkeypatch):
    ask = app_lab.jobs.ask

    def unanswered(spec, owner, timeout_s):
        if type(spec).__name__ == "Attribute":
            return Job(spec, owner)
        return ask(spec, owner, timeout_s=30)

    monkeypatch.setattr(app_lab.jobs, "ask", unanswered)
    page = open_page("why")
    assert "What the network sees" in words(page)
    assert "The photograph at the network" in pictures(page)
    assert not page.metric


def test_any_class_can_be_asked_for(page):
    page.selectbox(key="explained").set_value("340").run()
    settled(page)
    assert question(page).startswith("Why zebra?")
    assert "Its answer: **tiger cat**" in words(page)


def test_why_one_class_rather_than_the_runner_up_is_one_map_beside_that_of_each(page):
    page.selectbox(key="rather_than").set_value("runner-up").run()
    settled(page)
    assert question(page).startswith("Why tiger cat (")
    assert "rather than Egyptian cat (" in question(page)
    assert len(page.metric) == 2
    assert "Each class on its own:" in words(page)
    assert "**tiger cat**" in words(page)
    assert "**Egyptian cat**" in words(page)


def test_why_a_class_rather_than_itself_is_refused_in_a_sentence(page):
    page.selectbox(key="explained").set_value("340").run()
    page.selectbox(key="rather_than").set_value("340").run()
    assert not page.exception
    assert "can't compare a class with itself" in page.error[0].value
    assert "What the network sees" in words(page)


def test_several_methods_stand_side_by_side_with_the_same_figures(page):
    page.button_group(key="methods").set_value(["gradcam", "integrated_gradients"]).run()
    settled(page)
    names = ["Most important 20 % blurred", "Same blur elsewhere"]
    assert [figure.label for figure in page.metric] == 2 * names
    assert "Integrated Gradients: warm" in words(page)
    assert pictures(page).count("<strong>tiger cat</strong>") == 2


def test_a_method_that_this_network_does_not_allow_is_not_offered_and_says_why(page):
    offered = page.button_group(key="methods").options
    assert offered == ["Grad-CAM", "Integrated Gradients", "Occlusion"]
    assert "Guided Grad-CAM needs a network with only plain ReLUs" in words(page)


def test_without_a_method_the_page_asks_for_one_and_shows_the_photograph(page):
    page.button_group(key="methods").set_value([]).run()
    assert "Choose at least one method" in page.info[0].value
    assert "What the network sees" in words(page)


def test_the_strength_of_the_map_is_kept_from_page_to_page(page):
    page.slider(key="strength").set_value(0.2).run()
    page.switch_page("pages/feature_maps/page.py").run()
    page.switch_page("pages/attribution/page.py").run()
    assert page.slider(key="strength").value == 0.2
