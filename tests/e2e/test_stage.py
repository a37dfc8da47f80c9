"""The first view of every page, before and after its main action: what one came for is there."""

from dataclasses import dataclass

import pytest

from pages.languages import codes
from pages.shared.sitemap import (
    ALL_PAGES,
    ATTACK,
    ATTRIBUTION,
    BACKBONES,
    FEATURE_MAPS,
    IDEAL,
    PAGES,
    TRAINING,
    PageRow,
)
from tests.e2e.layout import (
    SIZES,
    above_the_foot,
    box_of,
    inside,
    no_overlap,
    no_sideways_scrolling,
    nothing_cut_off,
    shows_little,
    wait_for_rest,
)

pytestmark = pytest.mark.browser

_IMAGE = ".st-key-main_picture img"
_BENCH = ["h1", ".st-key-photos", ".st-key-backbone", ".st-key-copy_link", ".st-key-strip"]
_WINDOWS = [(360, 740), (640, 360), (820, 1180), (853, 480), (1920, 1080)]  # beside SIZES
_FINGERS = [  # what a finger presses on every page
    ".st-key-strip button",
    ".st-key-words button",
    "[data-testid=stExpandSidebarButton]",
    ".st-key-live_switch label",
]
_SCROLLS_ASIDE = """() => [...document.querySelectorAll("[data-testid=stHorizontalBlock]")]
  .filter(row => row.checkVisibility() && getComputedStyle(row).overflowX !== "visible"
    && row.scrollWidth > row.clientWidth + 1)
  .map(row => row.innerText)"""
# The page is drawn anew at most once a frame, and a chart some frames later
_STANDS_STILL = """async () => {
  const boxes = () => JSON.stringify([...document.querySelectorAll(".st-key-main_picture *")]
    .map(element => element.getBoundingClientRect()));
  const before = boxes();
  await new Promise(resolve => setTimeout(resolve, 150));
  return boxes() === before;
}"""


@dataclass(frozen=True)
class View:
    """What a page shows first."""

    row: PageRow
    picture: str
    control: str
    start: str = ""  # none: the page answers at once
    after: tuple[str, ...] = ()  # beside the picture once it has been started
    figures: str = ""  # of what stands below the picture by then, the last to come
    link: str = ""

    @property
    def path(self) -> str:
        return self.row.address


VIEWS = [
    View(BACKBONES, _IMAGE, ".st-key-backbone"),
    View(FEATURE_MAPS, _IMAGE, ".st-key-layer"),
    View(ATTRIBUTION, _IMAGE, ".st-key-question"),
    View(
        TRAINING,
        ".st-key-main_picture [class*=st-key-curve_]",
        ".st-key-mode",
        ".st-key-start button",
        link="?dataset=digits&photos_per_class=8",
    ),
    View(
        IDEAL,
        _IMAGE,
        ".st-key-target_class",
        ".st-key-start button",
        (".st-key-stop button", ".st-key-pause button"),
        "steps/s",
        "?steps=1024",
    ),
    View(
        ATTACK,
        ".st-key-before img",
        ".st-key-target_class",
        ".st-key-start button",
        (".st-key-stop button", ".st-key-pause button"),
        link="?steps=1024&epsilon=0",
    ),
]


@pytest.fixture(scope="module")
def tab(open_tab):
    """One tab for all pages."""
    with open_tab() as page:
        yield page


def test_every_page_has_its_first_view():
    assert {view.row for view in VIEWS} == set(PAGES)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.row.title)
def test_what_one_came_for_is_in_the_first_view_of_a_laptop_and_a_phone(tab, app_url, view):
    tab.goto(f"{app_url}/{view.path}{view.link}")
    tab.locator(view.picture).first.wait_for()
    wait_for_rest(tab)
    for size, least in (("laptop", 420), ("phone", 340)):
        _show(tab, size)
        assert box_of(tab.locator(view.picture).first)["width"] >= least
        _stands(tab, view, [view.start] if view.start else [])
    for width, height in _WINDOWS:
        _resize(tab, width, height)
        bench = [tab.locator(name).first for name in (*_BENCH, view.picture)]
        no_overlap([part for part in bench if part.is_visible()])
        no_sideways_scrolling(tab)
        if height < 500 and view.row is not TRAINING:  # there the classes come first
            inside(tab, tab.locator(".st-key-copy_link"))
            assert box_of(bench[-1])["y"] < height / 3
    if view.after:
        tab.locator(view.start).click()
        tab.locator(view.after[0]).wait_for()
        tab.locator(".st-key-main_picture [role=progressbar]").first.wait_for()
        tab.locator(".st-key-main_picture", has_text=view.figures).wait_for()
        for size in ("phone", "laptop"):
            _show(tab, size)
            _stands(tab, view, list(view.after))
        tab.locator(view.after[0]).click()
        tab.locator(view.start).wait_for()


@pytest.mark.parametrize("code", codes())
@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.row.title)
def test_on_a_tablet_every_word_is_read_whole(tab, app_url, view, code):
    tab.set_viewport_size({"width": 1024, "height": 768})
    tab.goto(f"{app_url}/{view.path}?language={code}")
    tab.locator(view.picture).first.wait_for()
    wait_for_rest(tab)
    nothing_cut_off(tab)
    assert tab.evaluate(_SCROLLS_ASIDE) == []


@pytest.mark.parametrize("row", ALL_PAGES, ids=lambda row: row.title)
def test_a_first_view_has_few_controls_and_few_words(open_tab, app_url, row):
    with open_tab() as tab:
        tab.goto(f"{app_url}/{row.address}")
        tab.locator(".st-key-main_picture" if row in PAGES else ".st-key-foot").first.wait_for()
        for width, height in ((1440, 900), (1280, 720), (390, 844)):
            controls, words = (12, 90) if width == 390 else (20, 120)
            _resize(tab, width, height)
            shows_little(tab, controls, words)


@pytest.mark.parametrize("width", [390, 820])
def test_what_a_finger_presses_is_large_enough_and_the_picture_stays_in_view(
    chromium, app_url, width
):
    context = chromium.new_context(has_touch=True, viewport={"width": width, "height": 844})
    tab = context.new_page()
    tab.goto(f"{app_url}/backbones")
    tab.locator(_IMAGE).wait_for(timeout=60_000)
    wait_for_rest(tab)
    for pressed in tab.locator(", ".join(_FINGERS)).all():
        if pressed.is_visible():
            box = box_of(pressed)
            assert min(box["width"], box["height"]) >= 44, pressed.inner_text()
    if width < 400:
        above_the_foot(tab, tab.locator(_IMAGE))
    context.close()


def _show(tab, size: str) -> None:
    """Give the window that size, and wait until the page has taken it up."""
    _resize(tab, *SIZES[size])


def _resize(tab, width: int, height: int) -> None:
    tab.set_viewport_size({"width": width, "height": height})
    tab.wait_for_function(_STANDS_STILL)
    wait_for_rest(tab)


def _stands(tab, view, buttons) -> None:
    """Picture, main control and buttons lie in the window, and nothing is cut off."""
    picture, control, *pressed = (
        tab.locator(name).first for name in (view.picture, view.control, *buttons)
    )
    inside(tab, control)
    for locator in (picture, *pressed):
        above_the_foot(tab, locator)
    no_overlap([picture, control, *pressed, tab.locator(".st-key-strip")])
    no_sideways_scrolling(tab)
    nothing_cut_off(tab)
