import pytest
from playwright.sync_api import expect

from tests.e2e.layout import box_of
from tests.e2e.tracks import WATCH

pytestmark = pytest.mark.browser

# Notes what the camera component takes from the browser, for the tests to look at
_WATCH = (
    WATCH
    + """
window.taken = new Set(); // a box holds equal pictures once
const encode = HTMLCanvasElement.prototype.toDataURL;
HTMLCanvasElement.prototype.toDataURL = function (...wish) {
  const picture = encode.apply(this, wish);
  window.taken.add(picture);
  window.longSide = Math.max(this.width, this.height);
  return picture;
};
"""
)


def camera(page, app_url, width=1280):
    """The Teach page with its camera's place open."""
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(f"{app_url}/teach")
    page.locator(".st-key-boxes_camera button").first.click()
    page.get_by_role("button", name="Open the camera").wait_for()
    return page


def opened(page):
    """The button to hold, once the camera shows a picture."""
    page.get_by_role("button", name="Open the camera").click()
    hold = page.get_by_role("button", name="Hold to take photographs")
    hold.wait_for()
    hold.scroll_into_view_if_needed()
    return hold


def until_taken(page, count):
    """Wait until the camera has taken so many."""
    page.wait_for_function("count => window.taken.size >= count", arg=count)


def boxes_hold(page, *counts):
    """Wait until the boxes, and not the camera alone, say these numbers."""
    for place, count in enumerate(counts):
        words = page.locator(".photos-zone .count").nth(place)
        expect(words).to_have_text(f"Photographs: {count}", timeout=90_000)


@pytest.fixture
def allowed(page):
    """A visitor who lets the page see the camera."""
    page.context.grant_permissions(["camera"])
    page.add_init_script(_WATCH)
    return page


def test_a_held_button_fills_the_box_and_stops_when_it_is_let_go(allowed, app_url):
    page = camera(allowed, app_url, width=390)
    assert page.evaluate("window.tracks.length") == 0  # nobody is asked before the press
    place = box_of(opened(page))
    page.mouse.move(place["x"] + 20, place["y"] + 10)
    page.mouse.down()
    until_taken(page, 3)
    page.mouse.up()
    taken = page.evaluate("window.taken.size")
    assert page.evaluate("window.longSide") == 640
    boxes_hold(page, taken, 0)
    page.wait_for_timeout(1500)  # it takes one a second
    assert page.evaluate("window.taken.size") == taken
    boxes_hold(page, taken, 0)


def test_every_shot_counts_once_while_the_page_is_busy_with_other_files(allowed, app_url, labelled):
    page = camera(allowed, app_url)
    files = [
        {"name": f"{place}.jpg", "mimeType": "image/jpeg", "buffer": data}
        for place, (_label, data) in enumerate(labelled[:6])
    ]
    opened(page).focus()
    page.keyboard.down("Space")
    for count in (1, 2, 3):
        until_taken(page, count)
        page.locator(".st-key-photos_1 input.file").set_input_files(files[2 * count - 2 :][:2])
    until_taken(page, 5)
    page.keyboard.up("Space")
    boxes_hold(page, page.evaluate("window.taken.size"), 6)


def test_the_camera_goes_off_when_it_is_closed_or_left(allowed, app_url):
    page = camera(allowed, app_url)
    off = "window.tracks.at(-1).readyState === 'ended'"
    opened(page)
    assert not page.evaluate(off)
    page.get_by_role("button", name="Close the camera").click()
    page.wait_for_function(off)
    opened(page).focus()
    page.keyboard.down("Enter")
    until_taken(page, 2)
    page.keyboard.press("Escape")  # closes the camera's place with the button still down
    page.wait_for_function(off)
    boxes_hold(page, page.evaluate("window.taken.size"), 0)


def test_where_there_are_two_cameras_a_press_takes_the_other(page, app_url):
    page.context.grant_permissions(["camera"])
    page.add_init_script(_WATCH)
    page = camera(page, app_url)
    opened(page)
    first = page.evaluate("window.tracks.at(-1).label")
    page.get_by_role("button", name="Use the other camera").click()
    page.wait_for_function("first => window.tracks.at(-1).label !== first", arg=first)
    page.get_by_role("button", name="Hold to take photographs").wait_for()
    assert page.evaluate(
        "window.tracks.slice(0, -1).every((track) => track.readyState === 'ended')"
    )


def test_a_refused_permission_shows_a_sentence(page, app_url):
    page = camera(page, app_url)
    page.get_by_role("button", name="Open the camera").click()
    page.get_by_text("The camera was not allowed").wait_for()


def test_without_a_secure_context_a_sentence_leads_to_the_devices_own_camera(page, app_url):
    insecure = "Object.defineProperty(window, 'isSecureContext', {value: false});"
    nothing = "Object.defineProperty(navigator, 'mediaDevices', {value: undefined, writable: true})"
    page.add_init_script(insecure + nothing)
    page = camera(page, app_url)
    page.get_by_role("button", name="Open the camera").click()
    page.get_by_text("takes one photograph at a time").wait_for()
    page.keyboard.press("Escape")
    with page.expect_file_chooser() as chooser:
        page.locator(".st-key-photos_1 .open").click()
    assert chooser.value.element.get_attribute("capture") == "environment"
