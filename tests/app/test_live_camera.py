"""The camera in the photograph's place, as pages draw it."""

import json

import pytest

from tests.app.conftest import PATHS, photo_message, tell_component
from tests.app.conftest import words as words_of

PAGES = ["backbones", "why"]


def data_of(page, key="live_camera"):
    found = [node for node in page.get("bidi_component") if node.key == key]
    return json.loads(found[0].proto.json) if found else None


@pytest.fixture(params=PAGES)
def live(request, open_page):
    """A page on which the camera is on."""
    page = open_page(request.param)
    page.toggle(key="live").set_value(True).run()
    assert not page.exception
    return page


def test_the_switch_puts_the_camera_and_its_answers_in_the_photographs_place(live):
    data = data_of(live)
    assert data["token"] == live.session_state["visit"].live_token
    assert data["token"] != live.session_state["visit"].code
    assert (data["side"], data["resize"], data["has_map"]) == (224, 256, True)
    assert len(data_of(live, "live_answers")["classes"]) == 1000
    live.toggle(key="live").set_value(False).run()
    assert data_of(live) is None


def test_another_page_is_live_too_and_one_without_a_camera_does_not_forget_it(live):
    live.switch_page(PATHS["glossary"]).run()
    live.switch_page(PATHS["why"]).run()
    assert live.toggle(key="live").value
    assert data_of(live)


def test_a_frozen_picture_becomes_the_photograph_of_all_pages(live, labelled):
    _label, data = labelled[0]
    page = tell_component(live, "live_camera", "sent", photo_message(data))
    visit = page.session_state["visit"]
    assert page.session_state["sample"] == visit.photos[0]
    assert not page.toggle(key="live").value
    assert data_of(page) is None


def test_a_frozen_picture_that_cannot_be_read_is_explained(live):
    page = tell_component(live, "live_camera", "sent", photo_message(b"no picture"))
    assert not page.session_state["visit"].photos
    assert "not a photograph" in words_of(page)
