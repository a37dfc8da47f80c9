import base64
import io
import json
import re

import pytest
from PIL import Image
from playwright.sync_api import expect
from streamlit.proto.BackMsg_pb2 import BackMsg

from pages.languages import ASSETS
from tests.e2e.layout import box_of
from tests.e2e.test_first_path import drop
from tests.e2e.tracks import ARE_OFF, WATCH
from tests.hostile import exif, formats, photo, saved
from tl_core.images.decode import content_key

pytestmark = pytest.mark.browser

NO_PHOTO = "This file is not a photograph"
# Puts a picture of one colour on the clipboard, as a copied screenshot
_COPY = """async () => {
  const canvas = new OffscreenCanvas(80, 60);
  canvas.getContext("2d").fillRect(0, 0, 80, 60);
  const picture = await canvas.convertToBlob({type: "image/png"});
  await navigator.clipboard.write([new ClipboardItem({"image/png": picture})]);
}"""
_PASTE = """field => {
  const data = new DataTransfer();
  data.items.add(new File(["no photograph"], "a.png", {type: "image/png"}));
  field.dispatchEvent(
    new ClipboardEvent("paste", {clipboardData: data, bubbles: true, composed: true})
  );
}"""


class Bar:
    """The photograph's bar on a page of its own, and what it has sent."""

    def __init__(self, page, app_url, folder):
        self.page, self.sent, self._folder = page, [], folder
        page.on("websocket", lambda socket: socket.on("framesent", self._note))
        page.goto(f"{app_url}/backbones")
        page.get_by_role("button", name="Upload").wait_for()
        self.note = page.locator(".st-key-photo .note")
        self.picture = page.locator(".st-key-photo .picture img")

    def _note(self, frame):
        message = BackMsg.FromString(frame)
        for widget in message.rerun_script.widget_states.widgets:
            if widget.id.endswith("-photo__events"):
                (event,) = json.loads(widget.json_trigger_value)
                self.sent.append(base64.b64decode(event["value"]["data"]))

    def choose(self, name, data):
        """Choose a file in the dialog that the button opens."""
        file = self._folder / name
        file.write_bytes(data)
        with self.page.expect_file_chooser() as chooser:
            self.page.get_by_role("button", name="Upload").click()
        chooser.value.set_files(file)

    def rests(self):
        """Wait until nothing is on its way."""
        bar = self.page.locator(".st-key-photo .bar")
        expect(bar).to_have_attribute("aria-busy", "false")

    def wait_for(self, data):
        """Wait until exactly this file is the visit's photograph."""
        key = content_key(data).replace(":", "(:|%3A)")
        expect(self.page).to_have_url(re.compile(key))

    def wait_for_any(self):
        """Wait for a photograph of the visitor's own; return its file."""
        expect(self.page).to_have_url(re.compile("sample=sha256"))
        self.rests()
        self.wait_for(self.sent[-1])
        return self.sent[-1]


@pytest.fixture(scope="module")
def open_bar(open_tab, app_url, tmp_path_factory):
    with open_tab() as page:
        yield Bar(page, app_url, tmp_path_factory.mktemp("photos"))


@pytest.fixture
def bar(open_bar):
    """The bar of one visitor, who may have sent other photographs before."""
    if open_bar.note.text_content():
        open_bar.page.reload()
        open_bar.page.get_by_role("button", name="Upload").wait_for()
    open_bar.sent.clear()
    return open_bar


@pytest.fixture
def new_bar(page, app_url, tmp_path):
    """The bar of a visitor who has done nothing yet."""
    return Bar(page, app_url, tmp_path)


@pytest.mark.parametrize("name", ["png", "webp", "heic"])
def test_a_small_photograph_from_the_dialog_arrives_byte_for_byte(bar, name):
    data, before = formats()[name], bar.picture.get_attribute("src")
    bar.choose(f"photo.{name}", data)
    bar.wait_for(data)
    bar.rests()
    expect(bar.picture).to_have_attribute("alt", re.compile("^your photograph"))
    expect(bar.picture).not_to_have_attribute("src", before)


def test_a_photograph_is_dropped_on_the_page_away_from_the_bar(bar, labelled):
    drop(bar.page, "dog.jpg", labelled[16][1])
    bar.page.get_by_role("heading", name=re.compile("says: dalmatian")).wait_for()
    bar.rests()
    assert bar.sent == [labelled[16][1]]


def test_ones_own_photographs_have_numbers_and_the_list_closes_after_a_choice(page, new_bar):
    page.set_viewport_size({"width": 390, "height": 844})
    expect(new_bar.picture).to_have_attribute("alt", "Cat")
    for number, shade in enumerate((40, 90, 140, 190)):
        data = saved(photo(60, 40).point(lambda value, shade=shade: (value + shade) % 256), "PNG")
        new_bar.choose(f"{number}.png", data)
        new_bar.wait_for(data)
    names = [f"your photograph {number}" for number in (4, 3, 2, 1)]
    page.locator(".st-key-photos button").first.click()
    pictures = page.locator(".st-key-photo-picker button")
    expect(pictures).to_have_text([*names, *[re.compile(".")] * (pictures.count() - 4)])
    pictures.nth(2).click()
    expect(pictures.first).to_be_hidden()
    expect(new_bar.picture).to_have_attribute("alt", "your photograph 2")


def test_a_copied_picture_is_pasted(page, new_bar):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate(_COPY)
    page.keyboard.press("Control+V")
    assert Image.open(io.BytesIO(new_bar.wait_for_any())).size == (80, 60)


def test_what_is_pasted_into_a_text_field_stays_there(bar):
    bar.page.get_by_role("combobox").first.evaluate(_PASTE)
    expect(bar.note).to_have_text("")
    bar.page.locator("body").evaluate(_PASTE)
    bar.page.get_by_text(NO_PHOTO).wait_for()


def test_a_large_photograph_arrives_upright_and_smaller(bar):
    image = Image.new("RGB", (3000, 2000), "white")
    image.paste("red", (0, 0, 1500, 2000))  # the left half, which is turned to the top
    bar.choose("large.jpg", saved(image, "JPEG", exif=exif(6)))
    arrived = Image.open(io.BytesIO(bar.wait_for_any()))
    assert arrived.format == "JPEG"
    assert arrived.size == (1067, 1600)
    assert not arrived.getexif()
    red, green, _blue = arrived.getpixel((500, 100))
    assert red > 200 > 50 > green
    assert min(arrived.getpixel((500, 1500))) > 240


def test_transparent_parts_of_a_large_photograph_become_white(bar):
    bar.choose("large.png", saved(Image.new("RGBA", (1700, 60), (9, 9, 9, 0)), "PNG"))
    arrived = Image.open(io.BytesIO(bar.wait_for_any()))
    assert arrived.size == (1600, 56)
    assert min(arrived.getpixel((800, 30))) > 250


def test_what_would_become_a_line_arrives_as_it_is(bar):
    bar.choose("panorama.png", saved(Image.new("RGB", (12000, 10), "red"), "PNG"))
    assert Image.open(io.BytesIO(bar.wait_for_any())).size == (12000, 10)


def test_a_photograph_that_the_lab_does_not_read_but_the_browser_does_arrives_as_jpeg(bar):
    bar.choose("photo.avif", saved(photo(300, 200), "AVIF"))
    arrived = Image.open(io.BytesIO(bar.wait_for_any()))
    assert (arrived.format, arrived.size) == ("JPEG", (300, 200))


def test_what_is_no_photograph_is_refused_in_words_and_not_sent(bar):
    for name, data, words in (
        ("cat.jpg", b"<html>not a cat</html>", NO_PHOTO),
        ("empty.jpg", b"", "This file is empty"),
        ("text.png", b"I am a cat.", NO_PHOTO),
        ("large.jpg", b"\xff\xd8\xff" + bytes(26 * 2**20), "more than 25 MB"),
        ("pdf.jpg", b"%PDF-1.7 ", NO_PHOTO),
        ("large.heic", b"\0\0\0\x18ftypheic" + bytes(17 * 2**20), "more than 16 MB"),
        ("zip.jpg", b"PK\3\4 zip", NO_PHOTO),
        ("empty.heic", b"", "This file is empty"),
        ("video.jpg", b"\0\0\0\x18ftypmp42", NO_PHOTO),
    ):
        bar.choose(name, data)
        expect(bar.note).to_contain_text(words)
        bar.rests()
    assert not bar.sent


def test_a_damaged_photograph_is_refused_in_the_words_of_the_lab(bar):
    bar.choose("cut.jpg", formats()["jpeg"][:300])
    bar.page.get_by_test_id("stAlert").get_by_text("damaged and cannot be read").wait_for()
    bar.rests()


def test_a_photograph_that_was_lost_on_its_way_is_sent_again_after_ten_seconds(
    chromium, app_url, tmp_path
):
    context, lost = chromium.new_context(), []  # of its own: a clock is set for all its tabs
    page = context.new_page()
    page.clock.install()

    def lose_the_first(socket):
        server = socket.connect_to_server()

        def pass_on(message):
            if b"-photo__events" in message and not lost:
                lost.append(message)
            else:
                server.send(message)

        socket.on_message(pass_on)

    page.route_web_socket("**/_stcore/stream", lose_the_first)
    bar, data = Bar(page, app_url, tmp_path), formats()["png"]
    bar.choose("photo.png", data)
    while not lost:
        page.wait_for_timeout(20)
    page.clock.fast_forward(10_000)
    bar.wait_for(data)
    bar.rests()
    assert len(lost) == 1
    context.close()


def dragged(page, what):
    """What hands carry over the page: items to add to a ``DataTransfer``."""
    return page.evaluate_handle(
        f"() => {{ const transfer = new DataTransfer(); {what}; return transfer; }}"
    )


def file_of(name, data):
    numbers = list(data)
    return f"transfer.items.add(new File([new Uint8Array({numbers})], '{name}'))"


def test_of_several_files_the_first_photograph_is_taken_and_a_sentence_says_so(bar):
    png = formats()["png"]
    files = file_of("a.txt", b"no cat"), file_of("b.png", png), file_of("c.gif", b"GIF89a")
    main = bar.page.get_by_test_id("stMain")
    main.dispatch_event("drop", {"dataTransfer": dragged(bar.page, ";".join(files))})
    bar.wait_for(png)
    expect(bar.note).to_have_text("One photograph at a time: here's the first.")


def test_dragged_files_show_where_they_may_be_dropped_and_dragged_text_does_not(bar):
    main, words = bar.page.get_by_test_id("stMain"), bar.page.get_by_text("Drop the photograph")
    text = dragged(bar.page, "transfer.setData('text/plain', 'cat')")
    main.dispatch_event("dragover", {"dataTransfer": text})
    main.dispatch_event("drop", {"dataTransfer": text})
    expect(words).to_be_hidden()
    expect(bar.note).to_have_text("")
    file = dragged(bar.page, file_of("a.jpg", b"no cat"))
    main.dispatch_event("dragover", {"dataTransfer": file})
    expect(words).to_be_visible()
    expect(words).to_be_hidden()  # the files have left the window


# Streamlit ends a drawing that a newer one overtook as it ends one whose page was left
_OVERTAKEN = """async ({ script, html }) => {
  const root = document.createElement("div");
  root.innerHTML = html;
  document.body.replaceChildren(root);
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const draw = (await import(address)).default;
  const words = new Proxy({}, { get: (_words, name) => name });
  const page = { parentElement: root, data: { alt: "", taken: 0, words, limits: {} } };
  const overlay = root.querySelector(".overlay");
  const isOpened = () => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(["cat"], "cat.jpg"));
    document.dispatchEvent(new DragEvent("dragover", { dataTransfer: transfer }));
    return overlay.matches(":popover-open");
  };
  const first = draw(page);
  const second = draw(page);
  first();
  const afterFirst = isOpened();
  overlay.hidePopover();
  root.remove();
  second();
  document.body.append(overlay);
  return [afterFirst, isOpened()];
}"""


def test_a_bar_goes_on_after_an_overtaken_drawing_has_ended_and_ends_with_its_page(page):
    folder = ASSETS / "components"
    parts = ("mount", "travel", "lens", "photo")
    script = "\n".join((folder / f"{name}.js").read_text() for name in parts)
    html = (folder / "photo.html").read_text()
    assert page.evaluate(_OVERTAKEN, {"script": script, "html": html}) == [True, False]


def test_a_drop_on_another_uploader_is_left_to_it(page, new_bar):
    page.get_by_test_id("stMain").evaluate(
        "main => main.insertAdjacentHTML('afterbegin', "
        "'<div class=other><div data-testid=stFileUploaderDropzone>here</div></div>')"
    )
    drop(page, "cat.jpg", b"no cat", zone=".other")
    expect(new_bar.note).to_have_text("")
    drop(page, "cat.jpg", b"no cat")
    expect(new_bar.note).to_contain_text(NO_PHOTO)


def test_the_camera_takes_a_photograph_and_goes_off(page, app_url, tmp_path):
    page.context.grant_permissions(["camera"])
    page.add_init_script(WATCH)
    bar = Bar(page, app_url, tmp_path)
    assert page.evaluate("window.tracks.length") == 0  # nobody is asked before the press
    page.get_by_role("button", name="Camera", exact=True).click()
    page.get_by_role("button", name="Take the photograph").click()
    arrived = Image.open(io.BytesIO(bar.wait_for_any()))
    assert max(arrived.size) <= 1600
    red, green, blue = arrived.getpixel((arrived.width // 2, arrived.height // 4))
    assert green > 100 > max(red, blue)  # the fake camera's picture
    page.wait_for_function(ARE_OFF)


def test_the_camera_goes_off_when_it_is_closed_or_left(page, app_url, tmp_path):
    page.context.grant_permissions(["camera"])
    page.add_init_script(WATCH)
    Bar(page, app_url, tmp_path)
    home = page.get_by_test_id("stTopNavLink").filter(has_text="Home")
    for leave in (
        page.get_by_role("button", name="Close the camera").click,
        lambda: page.keyboard.press("Escape"),
        lambda: home.evaluate("link => link.click()"),  # it lies behind the camera's window
    ):
        page.get_by_role("button", name="Camera", exact=True).click()
        shutter = page.get_by_role("button", name="Take the photograph")
        expect(shutter).to_be_enabled()
        leave()
        page.wait_for_function(ARE_OFF)
        expect(shutter).to_be_hidden()


def test_a_camera_that_is_not_allowed_is_explained(bar):
    bar.page.get_by_role("button", name="Camera", exact=True).click()
    expect(bar.note).to_contain_text("Camera access was blocked")


def test_without_a_secure_context_the_camera_is_the_devices_own(page, app_url, tmp_path):
    page.add_init_script("Object.defineProperty(window, 'isSecureContext', {value: false})")
    bar = Bar(page, app_url, tmp_path)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Camera", exact=True).click()
    assert chooser.value.element.get_attribute("capture") == "environment"
    png = formats()["png"]
    chooser.value.set_files([{"name": "a.png", "mimeType": "image/png", "buffer": png}])
    bar.wait_for(png)


def test_the_bar_fits_into_150_pixels_with_room_for_fingers(new_bar):
    place = new_bar.page.locator(".st-key-photo")
    place.evaluate("place => (place.style.width = '150px')")
    expect(place.locator(".upload span")).to_be_hidden()
    assert box_of(place)["height"] <= 48
    for name in ("picture", "upload", "open"):
        box = box_of(place.locator(f".{name}"))
        assert min(box["width"], box["height"]) >= 44
        assert box["x"] + box["width"] <= box_of(place)["x"] + 150
