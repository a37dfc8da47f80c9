"""A wrong answer becomes an example, on still photographs, live, and among the test's mistakes."""

import base64

import pytest

from pages.training.paired import shown
from tests.app.conftest import photo_message, send_photo, settled, tell_component, words
from tests.app.training import finished, jobs, taught, two_boxes, with_digits


@pytest.fixture
def tried(open_page, labelled):
    """Two boxes that were learned by themselves, and one more photograph that was tried."""
    page = settled(two_boxes(open_page("teach"), labelled, by_itself=True))
    return settled(send_photo(finished(page), photo_message(labelled[9][1], number=50)))


def boxes(page):
    return page.session_state["visit"].boxes


def fix(page, box):
    page.button(key=f"fix_{box}").click().run()
    return finished(settled(page))


def test_a_photograph_goes_into_the_class_that_it_shows_and_is_learned(tried):
    before = [list(box.photos) for box in boxes(tried)]
    first = jobs(tried)
    assert "validation photographs are never shown here" not in words(tried)  # of so few
    page = fix(tried, 1)
    (new,) = set(boxes(page)[1].photos) - set(before[1])
    assert boxes(page)[0].photos == before[0]
    (job,) = jobs(page)
    assert [job] != first
    assert job.spec.corrections == (new,)
    assert new not in {found.photo for found in job.snapshot.result.predictions}
    assert "Corrected: 1. It learns from these; none is used for validation." in words(page)


def test_a_third_thing_becomes_a_class_of_its_own_by_a_press_and_a_name(tried):
    tried.text_input(key="new_class").set_value("pens").run()
    tried.button(key="add_new").click().run()
    page = finished(settled(tried))
    assert [box.name for box in boxes(page)][2:] == ["pens"]
    (job,) = jobs(page)
    assert job.snapshot.classes[2:] == ("pens",)
    assert job.spec.corrections == tuple(boxes(page)[2].photos)


def test_live_a_third_thing_begins_one_class_however_often_it_is_pressed(tried, labelled):
    tried.toggle(key="live").set_value(True).run()
    for number in (1, 2):
        data = labelled[10 + number][1]
        tell_component(tried, "live_camera", "sent", frame(data, 2, 60 + number))
    page = finished(settled(tried))
    assert [len(box.photos) for box in boxes(page)[2:]] == [2]
    assert jobs(page)[0].snapshot.classes[2:] == ("class 3",)


@pytest.mark.slow
def test_a_correction_is_taken_back_alone(tried, labelled):
    page = fix(tried, 1)
    page = settled(send_photo(page, photo_message(labelled[10][1], number=51)))
    page = fix(page, 0)
    first, second = page.session_state["visit"].corrections
    page.button(key=f"undo_{first.photo}").click().run()
    page = finished(settled(page))
    assert page.session_state["visit"].corrections == [second]
    assert first.photo not in boxes(page)[1].photos
    assert second.photo in boxes(page)[0].photos
    assert jobs(page)[0].spec.corrections == (second.photo,)


@pytest.mark.slow
def test_what_was_put_into_one_class_and_then_another_is_in_the_last_alone(tried):
    page = fix(fix(tried, 1), 0)
    (correction,) = page.session_state["visit"].corrections
    assert [correction.photo in box.photos for box in boxes(page)] == [True, False]


def frame(data, label, number=60):
    return {"number": number, "data": base64.b64encode(data).decode(), "label": label}


def test_a_frame_of_the_camera_goes_into_its_class_and_the_camera_goes_on(tried, labelled):
    tried.toggle(key="live").set_value(True).run()
    tell_component(tried, "live_camera", "sent", frame(labelled[11][1], 1))
    page = finished(settled(tried))
    visit = page.session_state["visit"]
    (correction,) = visit.corrections
    assert correction.photo in boxes(page)[1].photos
    assert visit.is_live
    assert jobs(page)[0].spec.corrections == (correction.photo,)


def test_a_frame_for_a_class_that_is_not_there_is_refused_in_a_sentence(tried, labelled):
    tried.toggle(key="live").set_value(True).run()
    before = [list(box.photos) for box in boxes(tried)]
    for number, label in enumerate((3, -1, 10**30), start=70):
        tell_component(tried, "live_camera", "sent", frame(labelled[11][1], label, number))
        assert any("That class is no longer there" in error.value for error in tried.error)
        assert not tried.exception
    assert [box.photos for box in boxes(tried)] == before


@pytest.fixture
def digits(open_page):
    return settled(taught(with_digits(open_page("teach")), "head"))


def test_ticked_mistakes_are_learned_too_and_leave_the_test(digits):
    (before,) = jobs(digits)
    every = before.snapshot.result.predictions
    kept = len(every) - len(shown(every))
    assert kept > len(every) / 4
    assert f"{kept} validation photographs are never shown here" in words(digits)
    wrong = [p for p in shown(before.snapshot.result.predictions) if not p.is_right]
    ticks = [box for box in digits.checkbox if box.key.startswith("learn_")]
    assert {box.key for box in ticks} <= {f"learn_{p.photo}_{p.label}" for p in wrong}
    assert digits.button(key="learn_too").disabled
    for tick in ticks[:3]:
        tick.check().run()
    digits.button(key="learn_too").click().run()
    page = finished(settled(digits))
    (after,) = jobs(page)
    assert len(after.spec.corrections) == 3
    assert after.snapshot.train_photographs == before.snapshot.train_photographs + 3
    tested = {found.photo for found in after.snapshot.result.predictions}
    assert not tested & set(after.spec.corrections)
    said = " ".join(block.value for block in page.info)
    assert "validation photographs never shown among the mistakes, " in said
    assert (
        "(95 % [confidence interval](#confidence-interval), both tested on the same photographs)"
        in said
    )
