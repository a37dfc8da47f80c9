import base64
import json
from types import SimpleNamespace

import pytest
from streamlit.runtime import runtime_util
from streamlit.runtime.state import SessionState

from pages.shared import choose_photo
from pages.shared.photo_input import MAX_AS_IT_IS_BYTES, receive
from pages.visit.state import MOST_KEPT, Visit
from tests.app.conftest import PATHS, fill_box, photo_message, send_photo, settled, words
from tests.hostile import photo, saved
from tl_core.images.decode import content_key

DALMATIAN = 16  # its place among the labelled photographs


@pytest.fixture
def page(open_page):
    return open_page("backbones")


@pytest.fixture
def dog(labelled):
    label, data = labelled[DALMATIAN]
    assert label == 251
    return data


@pytest.fixture
def visit(monkeypatch):
    """A visit outside a page."""
    visit = Visit()
    monkeypatch.setattr("pages.shared.photo_input.the_visit", lambda: visit)
    return visit


def taken(page) -> int:
    """The number of the last photograph that the page says it has."""
    (bar,) = (node for node in page.get("bidi_component") if node.proto.component_name == "photo")
    return json.loads(bar.proto.json)["taken"]


def test_a_photograph_becomes_the_visits_byte_for_byte(page, dog):
    settled(send_photo(page, photo_message(dog)))
    assert "dalmatian" in page.subheader[0].value
    assert page.button_group(key="sample").value == content_key(dog)
    assert taken(page) == 1


def test_a_photograph_that_is_sent_again_is_not_chosen_again(page, dog):
    send_photo(page, photo_message(dog))
    page.button_group(key="sample").set_value("sample:cat").run()
    send_photo(page, photo_message(dog))
    assert page.button_group(key="sample").value == "sample:cat"
    send_photo(page, photo_message(dog, number=2))
    assert page.button_group(key="sample").value == content_key(dog)


def test_a_photograph_counts_as_taken_after_the_page_has_it_and_not_before(visit):
    class Interrupted(BaseException):
        pass

    def interrupt(_data):
        raise Interrupted

    with pytest.raises(Interrupted):
        receive(photo_message(b"a cat"), interrupt)
    found = []
    for _ in range(2):
        receive(photo_message(b"a cat"), found.append)
    assert found == [b"a cat"]


def test_what_is_no_photograph_is_refused_once_in_a_sentence(page):
    send_photo(settled(page), photo_message(b"<html>"))
    assert len(page.error) == 1
    assert "not a photograph that the lab can read" in page.error[0].value
    assert "cat" in page.subheader[0].value
    assert taken(page) == 1
    assert not page.run().error


MALFORMED: list[object] = [
    None, 7, "photo", [], {}, {"number": 1}, {"data": ""}, {"number": "1", "data": ""},
    {"number": 1.5, "data": ""}, {"number": 1, "data": 7}, {"number": 1, "data": "a"},
    {"number": 1, "data": "犬"}, {"number": 1, "data": "%%%%"}, {"number": 1, "data": ""},
    {"number": -(2**70), "data": ""}, {"number": 1, "data": {"number": 1}},
]  # fmt: skip


@pytest.mark.parametrize("message", MALFORMED, ids=repr)
def test_a_message_that_no_browser_sends_is_refused_or_ignored(page, message):
    send_photo(page, message)
    assert not page.exception
    assert len(page.error) <= 1
    assert not page.session_state["visit"].photos


def test_nothing_of_the_message_stays_in_the_session(page, dog, monkeypatch):
    message = photo_message(dog)
    part = message["data"][1000:1100]

    def state() -> str:
        kept = page.session_state
        while not isinstance(kept, SessionState):
            kept = kept._state
        return repr([kept._old_state, kept._new_session_state, kept._new_widget_state.states])

    def look(data):
        seen.append(part in state())
        take(data)

    seen, take = [], choose_photo.take
    monkeypatch.setattr(choose_photo, "take", look)
    page.run()
    send_photo(page, message)
    assert seen == [True]  # while it is taken, so it would be found
    assert part not in state()
    assert repr(dog[1000:1100])[2:-1] not in state()
    assert page.button_group(key="sample").value == content_key(dog)


def test_what_travels_as_it_is_fits_into_a_message_of_streamlits():
    travels = len(base64.b64encode(bytes(MAX_AS_IT_IS_BYTES)))
    assert travels < 0.9 * runtime_util.get_max_widget_state_size_bytes()


def test_forgotten_photographs_leave_the_lab_and_the_gallery(open_page, app_lab):
    page, data = open_page("attack"), saved(photo(210, 180), "PNG")
    assert page.button(key="forget_photos").disabled
    send_photo(page, photo_message(data))
    assert content_key(data) in app_lab.photos
    visit = page.session_state["visit"]
    assert visit.labels
    page.button(key="forget_photos").click().run()
    assert not page.exception
    assert page.button_group(key="sample").value == "sample:dalmatian"  # this page's own
    assert content_key(data) not in app_lab.photos
    assert not visit.labels
    assert page.button(key="forget_photos").disabled


def test_photographs_in_boxes_are_forgotten_too_and_other_visitors_keep_theirs(open_page, app_lab):
    page, other = open_page("teach"), open_page("backbones")
    fill_box(page, 0, [saved(photo(side, 190), "PNG") for side in (220, 230)])
    assert "2 of 4" in words(page)
    mine = page.session_state["visit"].boxes[0].photos
    send_photo(other, photo_message(app_lab.photos.data(mine[0])))
    page.switch_page("pages/backbones/page.py").run()
    page.button(key="forget_photos").click().run()
    assert [key in app_lab.photos for key in mine] == [True, False]
    page.switch_page("pages/training/page.py").run()
    assert not page.exception
    assert "Photographs: 2" not in words(page)


@pytest.mark.parametrize("name", ["attack", "ideal"])
def test_a_run_goes_on_without_the_photograph_it_has_read(open_page, dog, name):
    page = open_page("backbones")
    send_photo(page, photo_message(dog))
    page.switch_page(PATHS[name]).run()
    if name == "ideal":
        page.toggle(key="from_photo").set_value(True).run()
    steps = page.select_slider(key="steps")
    steps.set_value(steps.options[0]).run()
    page.button(key="start").click().run()
    ((_label, job),) = page.session_state["visit"].runs[name].jobs
    while job.snapshot is None and not job.wait(0.02):
        pass  # it has read the photograph once it has shown something
    page.button(key="forget_photos").click().run()
    assert job.wait(120)
    assert job.error is None
    assert not settled(page).exception


def test_small_pictures_are_kept_of_the_latest_photographs_only(monkeypatch):
    visit = SimpleNamespace(labels={})
    monkeypatch.setattr(choose_photo, "the_visit", lambda: visit)
    monkeypatch.setattr(
        choose_photo, "the_lab", lambda: SimpleNamespace(photos=SimpleNamespace(data=str))
    )
    monkeypatch.setattr(choose_photo, "_url", str)
    for number in range(MOST_KEPT + 10):
        choose_photo.thumbnail_url(f"sha256:{number}")
    assert list(visit.labels) == [f"sha256:{number}" for number in range(10, MOST_KEPT + 10)]
