"""What people come to Teach it for: two things, and an answer that follows the camera."""

import re
import time

import pytest
from playwright.sync_api import expect

from pages.languages import codes
from tests.e2e.camera_of_pictures import CAMERA, bring, hold_up
from tests.e2e.layout import box_of

pytestmark = pytest.mark.browser

_SCROLLED = "document.querySelector('[data-testid=stMain]').scrollTop"
_MAIN = "[data-testid=stMain]"
_LINES = f"{_MAIN} :is(p, li, label, button):visible:not(.panes *, [data-testid=stBottom] *)"
_LOWEST = "found => Math.max(...found.map((one) => one.getBoundingClientRect().bottom))"
_THINKS_MS = 1000  # before each tap
_PICTURE = re.compile("^data:image/")
_NONE = {"en": "None of these", "ja": "どれでもない"}
_SOFTMAX = {"en": "Softmax must share", "ja": "ソフトマックスは、必ず100"}


class Hand:
    """Taps what can be seen, and counts."""

    def __init__(self, page):
        self.page, self.taps = page, 0

    def tap(self, locator, *, ms=50):
        """Press for so long, after a moment's thought; it must lie in the window, uncovered."""
        locator.wait_for()
        self.page.wait_for_timeout(_THINKS_MS)
        place = box_of(locator)
        x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.wait_for_timeout(ms)
        self.page.mouse.up()
        self.taps += 1


@pytest.fixture
def holding(page, app_url):
    """A page whose camera shows what is held up, opened at Home in a language and a size."""

    def opened(code, width, height):
        page.context.grant_permissions(["camera"])
        page.add_init_script(CAMERA)
        page.set_viewport_size({"width": width, "height": height})
        page.goto(f"{app_url}/?language={code}")
        page.locator(".st-key-way_teach button").wait_for()
        bring(page, shoe="sample:shoe", cup="sample:coffee", drum="sample:drum")
        return page

    return opened


def record(page, number):
    return page.locator(f".st-key-photos_{number} .record:enabled")


@pytest.mark.parametrize(
    ("code", "width", "height"), [*((code, 390, 844) for code in codes()), ("en", 1280, 720)]
)
def test_six_taps_lead_from_home_to_a_live_answer_within_a_minute(holding, code, width, height):
    page = holding(code, width, height)
    hand, begun_at = Hand(page), time.monotonic()
    hand.tap(page.locator(".st-key-way_teach button"))
    for number, thing in enumerate(("shoe", "cup")):
        hold_up(page, thing)
        hand.tap(page.locator(f".st-key-photos_{number} .open"))
        record(page, number).wait_for()
        hand.tap(record(page, number), ms=2600)
    if width < 600:
        page.locator(".panes .next[data-key=try]").wait_for()
        hand.tap(page.locator(".panes [data-key=try]"))
    else:
        hand.tap(page.locator(".st-key-begin_live button"))
    name = page.locator(".st-key-live_camera .name")
    second = page.locator("[class*=st-key-class_] input").nth(1).input_value()
    expect(name).to_have_text(second)
    assert hand.taps <= 6
    assert time.monotonic() - begun_at < 60
    hold_up(page, "shoe")
    expect(name).to_have_text(page.locator("[class*=st-key-class_] input").nth(0).input_value())
    hold_up(page, "drum")
    expect(name).to_have_text(_NONE[code])
    expect(page.locator(".st-key-live_answers .hint")).to_contain_text(_SOFTMAX[code])
    expect(page.locator(".st-key-live_answers .near img")).to_have_attribute("src", _PICTURE)
    hand.tap(page.locator(".st-key-live_answers .fix button").nth(1))
    expect(name).to_have_text(second)
    if width < 600:
        assert page.evaluate(_SCROLLED) == 0
    page.locator(".st-key-corrected button:visible").click()
    expect(name).to_have_text(_NONE[code])


def test_by_keyboard_alone_two_things_are_taught_and_the_answer_fills_the_screen(holding):
    page = holding("en", 1280, 720)
    page.goto(f"{page.url.partition('?')[0]}teach")
    page.locator(".st-key-photos_0 .open").wait_for()
    bring(page, shoe="sample:shoe", cup="sample:coffee")
    for number, thing in enumerate(("shoe", "cup")):
        hold_up(page, thing)
        page.locator(f".st-key-photos_{number} .open").press("Enter")
        record(page, number).wait_for()
        record(page, number).focus()
        page.keyboard.press("Space")
        page.locator(f".st-key-photos_{number} .squares button").nth(4).wait_for()
        page.keyboard.press("Space")
    page.locator(".st-key-begin_live button").press("Enter")
    name = page.locator(".st-key-live_camera .name")
    expect(name).to_have_text("dogs")  # as the second box is called
    small = box_of(name)["height"]
    page.locator(".st-key-live_camera .full").press("Enter")
    page.locator("html[data-full]").wait_for(state="attached")
    expect(name).to_be_in_viewport()
    assert box_of(name)["height"] > 1.5 * small
    hold_up(page, "shoe")
    expect(name).to_have_text("cats")
    page.keyboard.press("2")
    page.get_by_text("Corrected: 1.").wait_for(state="attached")
    page.keyboard.press("Escape")
    page.locator("html:not([data-full])").wait_for(state="attached")


@pytest.mark.parametrize(("width", "height"), [(390, 844), (820, 600)])
def test_the_last_line_of_every_pane_can_be_read_above_the_bar(page, app_url, width, height):
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{app_url}/teach")
    for pane in ("classes", "learn", "try"):
        page.locator(f".panes [data-key={pane}]").click()
        page.locator(f".panes [data-key={pane}][aria-current=true]").wait_for()
        page.locator(_MAIN).evaluate("main => main.scrollTo(0, main.scrollHeight)")
        assert page.locator(_LINES).evaluate_all(_LOWEST) <= box_of(page.locator(".panes"))["y"]


def test_the_camera_of_a_box_takes_the_picture_from_live_and_gives_it_back(holding):
    page = holding("en", 1280, 720)
    hold_up(page, "shoe")
    page.goto(f"{page.url.partition('?')[0]}teach?by_itself=0")
    page.locator(".st-key-photos_0 .open").wait_for()
    page.get_by_role("button", name="Another photograph").click()
    page.locator(".st-key-live label").first.click()
    pace = page.locator(".st-key-live_camera .pace")
    expect(pace).to_contain_text("a second")
    page.locator(".st-key-photos_0 .open").click()
    page.get_by_text("The camera is taking photographs for a class").wait_for()
    page.locator(".st-key-photos_0 .open").click()
    expect(pace).to_contain_text("a second")


def test_panes_and_photographs_are_there_again_after_a_turn_a_reload_and_another_page(
    page, app_url, labelled
):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app_url}/teach?by_itself=0")
    files = [
        {"name": f"{place}.jpg", "mimeType": "image/jpeg", "buffer": data}
        for place, (_label, data) in enumerate(labelled[:4])
    ]
    page.locator(".st-key-photos_0 input.file").set_input_files(files)
    count = page.locator(".st-key-photos_0 .count")
    expect(count).to_have_text("Photographs: 4")
    page.set_viewport_size({"width": 844, "height": 390})
    expect(count).to_have_text("Photographs: 4")
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator(".panes [data-key=try]").click()
    page.locator(".st-key-try_more").wait_for()
    expect(count).to_be_hidden()
    page.reload()
    page.locator(".st-key-try_more").wait_for()
    page.locator(".panes [data-key=classes]").click()
    expect(count).to_have_text("Photographs: 4")
    page.goto(f"{app_url}/glossary")
    page.locator("h1").wait_for()
    page.go_back()
    expect(page.locator(".st-key-photos_0 .count")).to_have_text("Photographs: 4")
