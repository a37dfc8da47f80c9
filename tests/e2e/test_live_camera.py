"""The live camera in a real browser, whose camera plays a film of photographs."""

import io
import json
import re
import time
from contextlib import contextmanager

import pytest
from PIL import Image, ImageOps
from playwright.sync_api import expect

from tests.chromium import CHROMIUM, CHROMIUM_ARGS
from tests.e2e.conftest import PATIENCE_MS
from tests.e2e.layout import SIZES, no_sideways_scrolling, wait_for_rest
from tests.e2e.test_accessibility import _AXE, lasting_faults
from tests.e2e.tracks import ARE_OFF, WATCH
from tl_core.images.samples import read

pytestmark = pytest.mark.browser

FILM = {"sample:cat": "cat", "sample:dalmatian": "dalmatian"}  # and a word of each answer
_SHOWN = 45  # frames of each photograph, of thirty a second
_FAILS = """navigator.mediaDevices.getUserMedia = async () => {
  throw new DOMException("", "%s");
};"""
_IS_ON = "() => window.tracks.some((t) => t.readyState === 'live')"
_HEAT = """canvas => {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  return data.filter((_value, place) => place % 4 === 3).reduce((sum, value) => sum + value, 0);
}"""


@contextmanager
def browser_with_film(chromium, folder, photographs):
    """A browser whose camera shows these files, one after the other, again and again."""
    film, pictures = folder / "film.mjpeg", []
    for data in photographs:
        out = io.BytesIO()
        with Image.open(io.BytesIO(data)) as photo:
            ImageOps.fit(photo.convert("RGB"), (640, 480)).save(out, "JPEG", quality=90)
        pictures.append(out.getvalue())
    film.write_bytes(b"".join(picture * _SHOWN for picture in pictures))
    args = [arg for arg in CHROMIUM_ARGS if "fake-device" not in arg]
    args += ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"]
    expect.set_options(timeout=PATIENCE_MS)
    browser = chromium.browser_type.launch(executable_path=CHROMIUM, args=args)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def filmed(chromium, app_url, tmp_path_factory):
    """A browser whose camera shows the cat and the dalmatian; it keeps compiled scripts."""
    folder = tmp_path_factory.mktemp("film")
    with browser_with_film(chromium, folder, map(read, FILM)) as browser:
        context = browser.new_context(permissions=["camera"])
        context.new_page().goto(f"{app_url}/ready")
        yield context


@pytest.fixture
def open_live(filmed, app_url):
    """Opens a page in a new tab and turns Live on."""
    tabs = []

    def opened(path, *, size="laptop", scheme="light", query="", before=lambda _page: None):
        page = filmed.new_page()
        tabs.append(page)
        width, height = SIZES[size]
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        page.set_default_timeout(PATIENCE_MS)
        page.add_init_script(WATCH)
        before(page)
        page.goto(f"{app_url}/{path}?{query}")
        page.locator(".st-key-live_switch label").click()
        page.locator(".st-key-live_camera video").wait_for(state="attached")
        return page

    yield opened
    for tab in tabs:
        tab.close()


def view(page):
    return page.locator(".st-key-live_camera .view")


def title(page):
    return page.locator(".st-key-live_answers h3")


def pace(page):
    return page.locator(".st-key-live_camera .pace")


def problem(page):
    return page.locator(".st-key-live_camera .problem")


def answers_follow(page):
    """Each photograph of the film is named as it comes by."""
    for word in FILM.values():
        expect(title(page)).to_contain_text(re.compile(word, re.IGNORECASE))


def share_of(name, words):
    """The per cents that stand behind a class's name."""
    return float(re.search(rf"{name}\W+([\d.]+)", words)[1])


@pytest.mark.parametrize("path", ["backbones", "why"])
def test_answers_and_map_follow_the_camera(open_live, path):
    page = open_live(path)
    answers_follow(page)
    expect(pace(page)).to_contain_text(re.compile(r"[\d.]+ a second, \d+ ms\."))
    assert view(page).locator("canvas").evaluate(_HEAT) > 0
    box = view(page).bounding_box()
    assert box["width"] == pytest.approx(box["height"], abs=1)


def test_photographs_that_no_gallery_has_are_followed_too(chromium, app_url, tmp_path, photos_dir):
    folders = sorted(folder for folder in (photos_dir / "pet_breeds").iterdir() if folder.is_dir())
    photographs = [min(folder.rglob("*.jpg")).read_bytes() for folder in (folders[0], folders[-1])]
    with browser_with_film(chromium, tmp_path, photographs) as browser:
        page = browser.new_context(permissions=["camera"]).new_page()
        page.goto(f"{app_url}/why")
        page.locator(".st-key-live_switch label").click(timeout=PATIENCE_MS)
        expect(title(page)).to_contain_text("says:")
        first = title(page).inner_text()
        expect(title(page)).not_to_have_text(first)
        expect(title(page)).to_have_text(first)


def test_a_class_that_is_clicked_stays_while_the_answers_go_on(open_live):
    page = open_live("why")
    expect(title(page)).to_contain_text("dalmatian", ignore_case=True)
    row = page.locator(".st-key-live_answers button", has_text="dalmatian").first
    row.click()
    expect(title(page)).not_to_contain_text("dalmatian", ignore_case=True)
    chosen = page.locator(".st-key-live_answers button[aria-pressed=true]")
    expect(chosen).to_contain_text("dalmatian")
    chosen.click()
    expect(chosen).to_have_count(0)


def test_a_frozen_picture_is_the_photograph_of_all_pages_with_the_answer_that_it_had(open_live):
    page = open_live("backbones")
    expect(title(page)).to_contain_text("dalmatian", ignore_case=True)
    page.keyboard.press("f")
    live = share_of("dalmatian", page.locator(".st-key-live_answers .bars").inner_text())
    expect(page.locator(".st-key-live_camera")).to_have_count(0)
    expect(page.get_by_role("heading", name=re.compile("says: dalmatian"))).to_be_visible()
    wait_for_rest(page)
    page.locator(".st-key-close_chapter button").first.click()
    still = re.search(r"[\d.]+", page.locator(".st-key-top5 .bartext").first.text_content())
    assert float(still[0]) == pytest.approx(live, abs=5)
    page.wait_for_function(ARE_OFF)
    expect(page.locator(".st-key-photos button").first).to_contain_text("your photograph")


def test_a_tap_on_the_picture_freezes_it_too(open_live):
    page = open_live("why", size="phone")
    answers_follow(page)
    view(page).click()
    expect(page.locator(".st-key-live_camera")).to_have_count(0)
    page.locator(".st-key-main_picture img").first.wait_for()


def test_another_page_and_back_is_live_again_and_meanwhile_the_camera_is_off(open_live):
    page = open_live("backbones")
    answers_follow(page)
    page.get_by_role("link", name="Glossary").first.click()
    page.get_by_role("heading", level=1, name="Glossary").wait_for()
    page.wait_for_function(ARE_OFF)
    page.go_back()
    answers_follow(page)


def test_the_camera_is_off_while_the_tab_is_hidden(open_live):
    page = open_live("backbones")
    answers_follow(page)
    hide = """isHidden => {
      Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    page.wait_for_function(ARE_OFF)
    page.evaluate(hide, False)
    page.wait_for_function(_IS_ON)
    answers_follow(page)


def test_a_connection_that_is_cut_comes_back_by_itself(open_live):
    lines = []

    def through(line):
        lines.append(line)
        line.connect_to_server()

    def before(page):
        page.route_web_socket(re.compile("/live$"), through)

    page = open_live("backbones", before=before)
    answers_follow(page)
    lines[-1].close(code=1011)
    expect(pace(page)).to_contain_text("Connection lost")
    answers_follow(page)
    assert len(lines) == 2


def test_a_connection_that_is_blocked_is_explained_and_a_press_tries_again(open_live):
    def before(page):
        page.route_web_socket(re.compile("/live$"), lambda line: line.close(code=1011))

    page = open_live("why", before=before)
    expect(problem(page)).to_contain_text("The camera's connection is blocked.")
    page.wait_for_function(ARE_OFF)
    page.route_web_socket(re.compile("/live$"), lambda line: line.connect_to_server())
    view(page).click()
    answers_follow(page)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (_FAILS % "NotAllowedError", "Camera access was blocked"),
        (_FAILS % "NotFoundError", "This device has no camera"),
        (_FAILS % "NotReadableError", "another program may be using it"),
        ("Object.defineProperty(window, 'isSecureContext', {value: false})", "over https"),
    ],
)
def test_why_there_is_no_picture_is_said(open_live, script, words):
    page = open_live("why", before=lambda page: page.add_init_script(script))
    expect(problem(page)).to_contain_text(words)
    expect(page.locator(".st-key-live_camera .freeze")).to_be_hidden()


def test_where_answers_are_slow_it_says_who_else_is_live(open_live):
    said = {"answers": [[251, 0.9]], "shown": [251, 0.9], "heat": "", "side": 0, "others": 14}

    def slow(line):
        def on_message(message):
            if isinstance(message, bytes):
                time.sleep(0.4)
                line.send(json.dumps(said))

        line.on_message(on_message)

    def before(page):
        page.route_web_socket(re.compile("/live$"), slow)

    page = open_live("backbones", before=before)
    expect(pace(page)).to_contain_text("Others using it live now: 14.")


def test_a_camera_that_is_unplugged_is_explained_and_a_press_tries_again(open_live):
    page = open_live("backbones")
    answers_follow(page)
    page.evaluate("() => window.tracks.at(-1).onended()")
    expect(problem(page)).to_contain_text("The camera has been disconnected")
    view(page).click()
    answers_follow(page)


def test_a_visit_that_is_over_is_said(open_live):
    def before(page):
        page.route_web_socket(re.compile("/live$"), lambda line: line.close(code=4000))

    page = open_live("backbones", before=before)
    expect(problem(page)).to_contain_text("This visit has ended")


@pytest.mark.parametrize(
    ("path", "size", "scheme"), [("backbones", "laptop", "dark"), ("why", "phone", "light")]
)
def test_the_live_page_has_no_serious_fault_and_fits(open_live, path, size, scheme):
    page = open_live(path, size=size, query="language=ja", scheme=scheme)
    expect(pace(page)).to_contain_text("毎秒")
    wait_for_rest(page)
    no_sideways_scrolling(page)
    page.evaluate(_AXE)
    assert lasting_faults(page) == []
