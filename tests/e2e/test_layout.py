import pytest

from tests.e2e.layout import SIZES, inside, no_overlap, no_sideways_scrolling, nothing_cut_off

pytestmark = pytest.mark.browser

GOOD = """<body style="margin: 0">
  <img id="picture" style="display: block; width: 100px; height: 100px">
  <button id="start" style="width: 120px">Start</button>
  <div style="overflow-x: auto; width: 100%"><div style="width: 3000px">a wide table</div></div>
</body>"""


@pytest.fixture(scope="module", params=SIZES)
def window(open_tab, request):
    with open_tab(*SIZES[request.param]) as page:
        page.set_default_timeout(500)  # nothing here is drawn later
        yield page


def test_a_small_page_passes_every_check(window):
    window.set_content(GOOD)
    inside(window, window.locator("#picture"))
    no_sideways_scrolling(window)
    no_overlap([window.locator("#picture"), window.locator("#start")])
    nothing_cut_off(window)


@pytest.mark.parametrize("move", ["top: 800px", "top: -1px", "left: -1px", "left: 1200px"])
def test_a_picture_that_leaves_the_window_is_not_inside(window, move):
    window.set_content(f"<img style='position: absolute; width: 99px; height: 99px; {move}'>")
    with pytest.raises(AssertionError, match="the window"):
        inside(window, window.locator("img"))


def test_a_picture_that_is_not_shown_is_not_inside(window):
    window.set_content("<img hidden>")
    with pytest.raises(AssertionError, match="not visible"):
        inside(window, window.locator("img"))


def test_what_is_wider_than_the_window_is_told_in_pixels(window):
    wide = window.viewport_size["width"] + 40
    window.set_content(f"<body style='margin: 0'><div style='width: {wide}px'>wide</div>")
    with pytest.raises(AssertionError, match="40 pixels wider"):
        no_sideways_scrolling(window, followed_ms=500)


def test_a_button_over_the_picture_overlaps_it(window):
    window.set_content(GOOD + "<style>#start {position: relative; top: -20px}</style>")
    with pytest.raises(AssertionError, match="overlap"):
        no_overlap([window.locator("#picture"), window.locator("#start")])


@pytest.mark.parametrize("style", ["overflow: hidden", "overflow: hidden; text-overflow: ellipsis"])
def test_words_that_do_not_fit_their_button_are_cut_off(window, style):
    words = "a name that is much too long"
    window.set_content(
        f"<button style='width: 80px'><p style='white-space: nowrap; {style}'>{words}</p></button>"
    )
    with pytest.raises(AssertionError, match=words):
        nothing_cut_off(window)


def test_a_hidden_button_cuts_nothing_off(window):
    window.set_content(
        "<button style='width: 9px; overflow: hidden; visibility: hidden'>long words</button>"
    )
    nothing_cut_off(window)
