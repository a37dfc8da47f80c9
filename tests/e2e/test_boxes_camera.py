"""The cameras of the boxes of *Teach it*, in a real browser."""

import pytest
from playwright.sync_api import expect

from tests.e2e.camera_of_pictures import CAMERA, bring, hold_up
from tests.e2e.layout import box_of
from tests.e2e.test_accessibility import _AXE, _IN_FULL_COLOUR, lasting_faults
from tests.e2e.tracks import ARE_OFF, WATCH

pytestmark = pytest.mark.browser

# Notes the photographs that a box takes, for the tests to look at: it holds equal ones once
_NOTE_SHOTS = """
window.taken = new Set();
window.inWork = 0;
const encode = HTMLCanvasElement.prototype.toBlob;
HTMLCanvasElement.prototype.toBlob = function (then, ...wish) {
  window.longSide = Math.max(this.width, this.height);
  window.inWork += 1;
  encode.call(this, async (blob) => {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    window.taken.add(bytes.reduce((sum, byte) => (sum * 31 + byte) % 4294967296, 7));
    window.inWork -= 1;
    then(blob);
  }, ...wish);
};
"""


def box(page, number=0):
    return page.locator(f".st-key-photos_{number}")


def opened(page, number=0):
    """The button that records, once the camera of a box shows a picture."""
    box(page, number).locator(".open").click()
    page.locator(f".st-key-photos_{number} .record:enabled").wait_for()
    return box(page, number).locator(".record")


def until_taken(page, count):
    page.wait_for_function("count => window.taken.size >= count", arg=count)


def boxes_hold(page, *counts):
    """Wait until the page, and not the camera alone, says these numbers."""
    for number, count in enumerate(counts):
        words = f"{count} of 4" if count < 4 else f"Photographs: {count}"
        expect(box(page, number).locator(".count")).to_have_text(words)


def press(page, locator, ms):
    """Hold a mouse's button for so long."""
    place = box_of(locator)
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    page.mouse.down()
    page.wait_for_timeout(ms)
    page.mouse.up()


def taken(page):
    """How many a box has taken, once the last of them has arrived."""
    page.wait_for_function("window.inWork === 0")  # a picture is encoded before anything counts it
    return page.evaluate("window.taken.size")


@pytest.fixture
def teach(page, app_url):
    """The page, for a visitor who lets it see Chromium's own camera, whose picture moves."""
    page.context.grant_permissions(["camera"])
    page.add_init_script(WATCH + _NOTE_SHOTS)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app_url}/teach")
    box(page).locator(".open").wait_for()
    return page


@pytest.fixture
def pictures(page, app_url):
    """The page, with a camera that shows what the test holds up."""
    page.context.grant_permissions(["camera"])
    page.add_init_script(CAMERA + _NOTE_SHOTS)
    page.goto(f"{app_url}/teach?by_itself=0")
    box(page).locator(".open").wait_for()
    bring(page, shoe="sample:shoe", cup="sample:coffee")
    return page


def test_a_held_button_fills_the_box_until_it_is_let_go(teach):
    assert teach.evaluate("window.tracks.length") == 0  # nobody is asked before the press
    record = opened(teach)
    assert box_of(box(teach).locator(".view"))["height"] >= 180
    press(teach, record, 1800)
    count = taken(teach)
    assert count >= 3
    assert teach.evaluate("window.longSide") == 640
    boxes_hold(teach, count, 0)
    teach.wait_for_timeout(1200)
    assert teach.evaluate("window.taken.size") == count


def test_a_tap_begins_and_the_next_one_ends(teach):
    record = opened(teach)
    record.click()
    until_taken(teach, 4)
    record.click()
    count = taken(teach)
    boxes_hold(teach, count, 0)
    assert teach.evaluate("window.taken.size") == count


def test_every_shot_counts_once_while_the_page_is_busy_with_other_files(teach, labelled):
    files = [
        {"name": f"{place}.jpg", "mimeType": "image/jpeg", "buffer": data}
        for place, (_label, data) in enumerate(labelled[:6])
    ]
    opened(teach).focus()
    teach.keyboard.down("Space")
    for count in (1, 2, 3):
        until_taken(teach, count)
        box(teach, 1).locator("input.file").set_input_files(files[2 * count - 2 :][:2])
    until_taken(teach, 5)
    teach.keyboard.up("Space")
    expect(box(teach, 1).locator(".count")).to_have_text("Photographs: 6")
    boxes_hold(teach, taken(teach), 6)


def test_one_camera_is_on_at_a_time_and_none_where_nobody_looks(teach):
    opened(teach)
    assert not teach.evaluate(ARE_OFF)
    opened(teach, 1)
    expect(box(teach, 0).locator(".camera")).to_be_hidden()
    teach.wait_for_function(
        "window.tracks.filter((track) => track.readyState === 'live').length === 1"
    )
    teach.locator(".panes [data-key=learn]").click()
    teach.wait_for_function(ARE_OFF)
    teach.locator(".panes [data-key=classes]").click()
    opened(teach, 1)
    box(teach, 1).locator(".open").click()
    teach.wait_for_function(ARE_OFF)


def test_what_does_not_move_is_kept_a_few_times_alone(pictures):
    hold_up(pictures, "cup")
    record = opened(pictures)
    pictures.evaluate("window.moves = false")
    pictures.wait_for_timeout(300)
    record.click()
    box(pictures).get_by_text("Nothing is moving").wait_for()
    record.click()
    boxes_hold(pictures, taken(pictures))
    assert taken(pictures) <= 8


def test_a_photograph_is_taken_out_and_brought_back_and_a_box_emptied_and_filled_again(pictures):
    hold_up(pictures, "cup")
    press(pictures, opened(pictures), 2300)
    count = taken(pictures)
    boxes_hold(pictures, count)
    box(pictures).locator(".squares button").first.click()
    boxes_hold(pictures, count - 1)
    box(pictures).locator(".empty").click()
    boxes_hold(pictures, 0)
    for back in (count - 1, count):
        pictures.locator(".st-key-undo_boxes button").first.click()
        boxes_hold(pictures, back)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_open_camera_its_photographs_and_the_bar_have_no_serious_fault(pictures, scheme):
    pictures.emulate_media(color_scheme=scheme)
    pictures.set_viewport_size({"width": 390, "height": 3000})  # axe judges no colours outside
    pictures.add_style_tag(content=_IN_FULL_COLOUR)
    hold_up(pictures, "cup")
    press(pictures, opened(pictures), 1800)
    boxes_hold(pictures, taken(pictures))
    pictures.evaluate(_AXE)
    assert lasting_faults(pictures) == []
    pictures.locator(".panes [data-key=try]").click()
    pictures.locator(".st-key-try_more").wait_for()
    assert lasting_faults(pictures) == []


def test_where_there_are_two_cameras_a_press_takes_the_other(teach):
    opened(teach)
    first = teach.evaluate("window.tracks.at(-1).label")
    box(teach).locator(".turn").click()
    teach.wait_for_function("first => window.tracks.at(-1).label !== first", arg=first)
    teach.locator(".st-key-photos_0 .record:enabled").wait_for()
    assert teach.evaluate(
        "window.tracks.slice(0, -1).every((track) => track.readyState === 'ended')"
    )


def test_a_refused_permission_shows_a_sentence(page, app_url):
    page.goto(f"{app_url}/teach")
    box(page).locator(".open").click()
    page.get_by_text("Camera access was blocked").wait_for()


def test_without_a_secure_context_the_devices_own_camera_takes_one_at_a_time(page, app_url):
    page.add_init_script("Object.defineProperty(window, 'isSecureContext', {value: false});")
    page.goto(f"{app_url}/teach")
    with page.expect_file_chooser() as chooser:
        box(page).locator(".open").click()
    assert chooser.value.element.get_attribute("capture") == "environment"
