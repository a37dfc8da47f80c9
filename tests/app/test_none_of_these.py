"""A model that was taught here says "none of these", wherever it answers."""

import json

import pytest
from PIL import Image

from pages.languages import ASSETS, lesson_file
from pages.shared.none_of_these import MOST_PERCENT, PERCENT
from tests.app.conftest import photo_message, send_photo, settled, words
from tests.app.training import jobs, taught, with_digits
from tests.hostile import saved
from tests.model_files import of_raw_pixels

SAID_ELSEWHERE = {
    "backbones": " says: none of these",
    "attribution": "**None of these**, your model says. If it had to choose: ",
    "attack": " · none of these<",
}
SOFTMAX = "(#softmax) must share 100 % among its classes. Most goes to: "


@pytest.fixture
def shown(open_page, labelled):
    """*Teach it* after the digits were taught, with a photograph of something else tried."""
    page = settled(taught(with_digits(open_page("teach")), "head"))
    assert "None of these" not in titles(page)  # of a test photograph
    return settled(send_photo(page, photo_message(labelled[0][1], number=5)))


def shade(level):
    """A plain picture, of which no two levels are alike."""
    return saved(Image.new("RGB", (64, 64), (level, 255 - level, 128)), "PNG")


def opened(page):
    page.session_state["none_of_these"] = True
    return settled(page.run())


def titles(page):
    return [block.value for block in page.subheader]


def test_of_something_else_it_is_none_of_its_classes_and_the_page_says_what_that_promises(shown):
    assert "None of these" in titles(shown)
    assert SOFTMAX in words(shown)
    assert "Nearest one it learned from: [distance](#novelty-detection) 0." in words(shown)
    (tried,) = shown.session_state["visit"].tries
    assert tried.is_none
    assert "Of 100 new photographs of your classes" not in words(shown)  # until it is asked for
    page = opened(shown)
    slider = page.slider(key="turned_away")
    assert (slider.value, slider.max) == (PERCENT, MOST_PERCENT)
    assert slider.min == 1
    assert f"about {PERCENT} will wrongly be called “none of these”. We can't promise" in words(
        page
    )
    (job,) = jobs(page)
    tested = len(job.snapshot.result.predictions)
    assert f"on {tested} photographs that it never learned from" in words(page)
    slider.set_value(MOST_PERCENT).run()
    assert f"about {MOST_PERCENT} will wrongly" in words(settled(page))


def test_other_pages_say_so_too(shown):
    page = shown
    page.button(key="use_everywhere").click().run()
    page = settled(page)
    for topic, said in SAID_ELSEWHERE.items():
        page = settled(page.switch_page(f"pages/{topic}/page.py").run())
        assert not page.exception
        on_pictures = [block.proto.body for block in page.get("html")]
        assert said in " ".join([words(page), *titles(page), *on_pictures]), topic


def test_a_link_may_ask_for_any_share(open_page):
    page = open_page("backbones")
    for asked in ("²", "9" * 5000, "-1", "0", "x"):
        page.session_state["visit"].choices["turned_away"] = asked
        assert not page.run().exception


def test_the_texts_quote_what_was_measured():
    found = json.loads((ASSETS / "unknown.json").read_text())
    at = found["false alarms"].index(0.05)
    passed = 1 - found["turned away"]["near, nearest"][at]
    assert round(100 * passed) == 30
    assert "30 in 100 strangers passed" in lesson_file("en", "training.md").read_text()


def test_a_model_that_cannot_tell_says_why(open_page, app_lab):
    page = open_page("teach")
    app_lab.models.load(of_raw_pixels("of old", ("cats", "dogs")), page.session_state["visit"].id)
    page = settled(page.run())
    assert "It can't say “none of these”: that takes 19 clearly" in words(page)
    assert "so it calls a teapot one of them too" in words(page)


def test_a_class_of_other_things_is_compared_with_the_distance(open_page, labelled, app_lab):
    page = open_page("teach")
    page.button(key="add_other").click().run()
    assert page.text_input(key="class_2").value == "something else"
    assert "add_other" not in [button.key for button in page.button]
    visit = page.session_state["visit"]
    for box in visit.boxes:
        shades = range(90 * box.id, 90 * box.id + 16)
        box.photos = [app_lab.datasets.add_example(shade(level), visit.id) for level in shades]
    page = settled(taught(settled(page.run()), "head"))
    (job,) = jobs(page)
    assert job.spec.something_else == "something else"
    page = opened(page)
    assert page.slider(key="turned_away").min == 5  # of 22 photographs
    assert "on the 22 photographs that the model learned from" in words(page)
    assert "**The class “something else” or the distance?**" in words(page)
