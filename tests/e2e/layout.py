"""What must hold of a page's layout in any window, as checks that say where it does not."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from playwright.sync_api import TimeoutError

SIZES = {"laptop": (1280, 720), "phone": (390, 844)}

_CUT_OFF = """() => [...document.querySelectorAll("button, label, [role=radio], [role=tab]")]
  .flatMap(named => [named, ...named.querySelectorAll("*")])
  .filter(element => element.checkVisibility({visibilityProperty: true})
    && getComputedStyle(element).overflowX !== "visible"
    && element.clientWidth > 1  // what is for screen readers alone is one pixel wide
    && element.scrollWidth > element.clientWidth + 1)
  .map(element => element.innerText || element.getAttribute("aria-label"))"""
_TOO_WIDE = """Math.max(...[...document.querySelectorAll("html, [data-testid=stMain]")]
  .map(element => element.scrollWidth - element.clientWidth))"""
# Stops of the Tab key and words in the window, beside the menu and the line at the foot
_SEEN = """() => {
  const menus = "[data-testid=stHeader], [data-testid=stSidebar], [data-testid=stBottom], "
    + "[data-testid=stSkipToContent]";
  const isSeen = (element, box) => !element.closest(`${menus}, .st-key-foot, .st-key-panes`)
    && element.checkVisibility({opacityProperty: true, visibilityProperty: true})
    && box.width > 1 && box.height > 1 && box.bottom > 0 && box.top < innerHeight;
  const [controls, words, grids] = [[], [], new Set()];
  const look = (root, host) => {
    for (const each of root.querySelectorAll("*")) {
      if (each.shadowRoot) look(each.shadowRoot, each);
      const isOne = !each.querySelector("button, a[href], input")
        && each.matches("button, a[href], input, select, summary, textarea, [tabindex]");
      const grid = each.closest("[role=grid]");
      const shown = each.matches("input") ? each.closest("label") ?? each : each;
      const box = shown.getBoundingClientRect();
      if (isOne && each.tabIndex >= 0 && !(grid && grids.has(grid)) && isSeen(host ?? shown, box)) {
        controls.push(each.innerText || each.ariaLabel || each.localName);
        if (grid) grids.add(grid);
      }
      for (const text of each.childNodes) {
        if (text.nodeType !== 3 || /^(STYLE|SCRIPT)$/.test(each.tagName)) continue;
        if (/Material/.test(getComputedStyle(each).fontFamily)) continue;
        const range = document.createRange();
        range.selectNodeContents(text);
        if (isSeen(host ?? each, range.getBoundingClientRect()) && each.checkVisibility(
            {opacityProperty: true, visibilityProperty: true}))
          words.push(...(text.textContent.match(/[\\p{L}\\p{N}][^\\s]*/gu) ?? []));
      }
    }
  };
  look(document, null);
  return [controls, words];
}"""
_BOXES = "elements => elements.map(element => element.getBoundingClientRect().toJSON())"
_MEASUREMENTS = 20
_FOLLOWED_MS = 10_000
_AT_WORK = (
    "[data-test-script-state=running], [data-stale=true], "
    ".st-key-main_picture [data-testid=stSkeleton]"
)


def wait_for_rest(page: Any) -> None:
    """Wait until the page's script has ended, and what it has drawn is the newest."""
    page.wait_for_function(f"() => !document.querySelector({_AT_WORK!r})")


def inside(page: Any, locator: Any) -> None:
    """The element lies wholly inside the window, as it is scrolled now."""
    box, window = box_of(locator), page.viewport_size
    assert box["x"] >= 0, f"{box} begins to the left of the window"
    assert box["y"] >= 0, f"{box} begins above the window"
    assert box["x"] + box["width"] <= window["width"], (
        f"{box} ends to the right of the window {window}"
    )
    assert box["y"] + box["height"] <= window["height"], f"{box} ends below the window {window}"


def above_the_foot(page: Any, locator: Any) -> None:
    """The element lies wholly inside the window, and above what stands at its foot."""
    inside(page, locator)
    feet = page.locator(".st-key-foot, .st-key-panes").all()
    foot = min(box_of(each)["y"] for each in feet if each.is_visible())
    end = box_of(locator)["bottom"]
    assert end <= foot, f"it ends at {end}, and the line at the foot begins at {foot}"


def no_sideways_scrolling(page: Any, *, followed_ms: float = _FOLLOWED_MS) -> None:
    """Nothing is wider than the window, once charts have followed it."""
    try:
        page.wait_for_function(f"() => {_TOO_WIDE} <= 0", timeout=followed_ms)
    except TimeoutError:
        width = page.evaluate(_TOO_WIDE)
        raise AssertionError(f"the page is {width} pixels wider than its window") from None


def no_overlap(locators: Sequence[Any]) -> None:
    """No two of the elements cover each other."""
    for one, other in combinations(_boxes(locators), 2):
        is_apart = any(
            first[start] + first[side] <= second[start]
            for start, side in (("x", "width"), ("y", "height"))
            for first, second in ((one, other), (other, one))
        )
        assert is_apart, f"{one} and {other} overlap"


def nothing_cut_off(page: Any) -> None:
    """No visible button or label hides a part of its words."""
    words = page.evaluate(_CUT_OFF)
    assert not words, f"cut off: {words}"


def shows_little(page: Any, controls: int, words: int) -> None:
    """The first view has no more stops of the Tab key and no more words, menu and foot aside."""
    seen, said = page.evaluate(_SEEN)
    assert len(seen) <= controls, f"{len(seen)} controls: {seen}"
    assert len(said) <= words, f"{len(said)} words: {said}"


def box_of(locator: Any) -> dict[str, float]:
    """Where the element is in the window, once it is shown; a page may draw it anew meanwhile."""
    return _boxes([locator])[0]


def _boxes(locators: Sequence[Any]) -> list[dict[str, float]]:
    """Where the elements are at one moment: a page may move while it is measured."""
    for _ in range(_MEASUREMENTS):
        handles = [_shown(locator) for locator in locators]
        boxes: list[dict[str, float]] = locators[0].page.evaluate(_BOXES, handles)
        if all(box["width"] for box in boxes):  # else one was replaced meanwhile
            return boxes
    raise AssertionError(f"one of {locators} is drawn anew all the time")


def _shown(locator: Any) -> Any:
    try:
        locator.wait_for()
    except TimeoutError:
        raise AssertionError(f"{locator} is not visible") from None
    return locator.element_handle()
