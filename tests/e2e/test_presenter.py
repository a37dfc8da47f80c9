"""Presenter view, as a teacher with a clicker in the hand meets it."""

import re

import pytest

from tests.e2e.layout import SIZES, box_of, inside, no_sideways_scrolling, wait_for_rest
from tests.e2e.test_stage import VIEWS

pytestmark = pytest.mark.browser

_ON = "?present=1&version=1"
_TYPE = "() => getComputedStyle(document.documentElement).fontSize"


@pytest.fixture(scope="module")
def tab(open_tab):
    """One tab for all tests, as wide as a projector's picture."""
    with open_tab(1280, 720) as page:
        yield page


def open_page(tab, address: str) -> None:
    tab.goto(address)
    tab.get_by_role("heading", level=1).wait_for()
    size = max(24, tab.viewport_size["width"] * 24 // 1280)
    tab.wait_for_function(f"() => ({_TYPE})() === '{size}px'")
    wait_for_rest(tab)


def title(tab, name: str):
    return tab.get_by_role("heading", level=1, name=name)


@pytest.mark.parametrize("view", VIEWS[3::2], ids=lambda view: view.row.title)
def test_the_first_screen_shows_the_main_picture_in_big_type_without_scrolling(tab, app_url, view):
    open_page(tab, f"{app_url}/{view.path}{_ON}&{view.link[1:]}")
    picture = tab.locator(view.picture).first
    picture.wait_for()
    inside(tab, picture)
    inside(tab, tab.get_by_test_id("stTopNavLink").last)
    inside(tab, tab.locator(".st-key-backbone"))
    no_sideways_scrolling(tab)


def test_page_keys_turn_screens_and_then_pages(tab, app_url):
    open_page(tab, f"{app_url}/why{_ON}")
    stage, words = tab.locator(".st-key-stage"), tab.locator(".st-key-code")
    stage.wait_for()
    words.wait_for(state="hidden")
    tab.keyboard.press("PageDown")
    words.wait_for()
    stage.wait_for(state="hidden")
    tab.keyboard.press("ArrowLeft")
    stage.wait_for()
    tab.keyboard.press("PageUp")
    title(tab, "Feature maps").wait_for()
    tab.locator(".st-key-main_picture img").first.wait_for()
    tab.keyboard.press("PageUp")
    title(tab, "Backbones").wait_for()
    assert tab.evaluate(_TYPE) == "24px"


def test_a_chart_of_a_later_screen_is_as_wide_as_the_page(tab, app_url):
    open_page(tab, f"{app_url}/backbones{_ON}")
    heading = tab.get_by_role("heading", name="Accuracy against computation")
    for _turn in range(5):  # a screen that is longer than the window takes several
        if heading.is_visible():
            break
        tab.keyboard.press("PageDown")
    tab.locator(".st-key-scatter .main-svg").first.wait_for()
    tab.wait_for_function(
        "() => document.querySelector('.st-key-scatter .main-svg').clientWidth > 1100"
    )


def test_start_starts_by_its_shortcut_and_in_the_controls_that_the_key_c_calls(tab, app_url):
    open_page(tab, f"{app_url}/attack{_ON}&steps=1024&epsilon=0")
    start, stop = tab.locator(".st-key-start button"), tab.locator(".st-key-stop button")
    start.wait_for(state="attached")
    assert not start.is_visible()
    tab.keyboard.press("Alt+s")
    stop.wait_for(state="attached")
    tab.keyboard.press("Alt+x")
    start.wait_for(state="attached")
    tab.keyboard.press("c")
    inside(tab, start)
    start.click()
    stop.click()
    start.wait_for()
    tab.get_by_role("button", name="Controls").click()
    start.wait_for(state="hidden")


def test_keys_that_are_typed_or_move_a_slider_stay_there(tab, app_url):
    open_page(tab, f"{app_url}/attack{_ON}&questions=0")
    tab.keyboard.press("c")
    box = tab.get_by_role("combobox", name="Make it say")
    box.fill("")
    box.press_sequentially("coc")
    box.press("PageDown")
    assert box.input_value() == "coc"
    tab.keyboard.press("Escape")
    slider = tab.get_by_role("slider", name=re.compile("Epsilon"))
    before = slider.get_attribute("aria-valuetext")
    slider.press("ArrowRight")
    tab.wait_for_function(
        """([name, before]) => [...document.querySelectorAll(name)].every(
             slider => slider.getAttribute("aria-valuetext") !== before)""",
        arg=[".st-key-epsilon [type=range], .st-key-epsilon [role=slider]", before],
    )
    assert tab.locator(".st-key-start button").is_visible()
    moved = slider.get_attribute("aria-valuetext")
    for _turn in range(3):  # a stage that is longer than the window takes several
        if tab.locator(".st-key-stage").is_visible():
            slider.press("PageDown")  # a clicker's key, which is no slider's
    tab.locator(".st-key-stage").wait_for(state="hidden")
    hidden = tab.locator(".st-key-epsilon [type=range]")
    assert hidden.get_attribute("aria-valuetext") == moved


def test_the_controls_stand_beside_the_picture_and_close_by_key_also_from_a_slider(tab, app_url):
    open_page(tab, f"{app_url}/feature_maps{_ON}&sample=sample%3Acat")
    tab.locator(".st-key-mosaic_left img").wait_for()
    tab.keyboard.press("c")
    rail = tab.locator("[data-testid=stColumn]:has(.st-key-rail)").first
    inside(tab, rail)
    wait_for_rest(tab)
    right = box_of(rail)["x"] + box_of(rail)["width"]
    assert box_of(tab.locator(".st-key-mosaic_left"))["x"] >= right
    no_sideways_scrolling(tab)
    for key in ("c", "Escape"):
        tab.get_by_role("slider", name=re.compile("Layer")).focus()
        tab.keyboard.press(key)
        rail.wait_for(state="hidden")
        tab.keyboard.press("c")


def test_what_must_be_downloaded_first_calls_the_controls_by_itself(tab, app_url):
    open_page(tab, f"{app_url}/teach{_ON}&dataset=eurosat")
    download = tab.locator(".st-key-rail .st-key-download button")
    inside(tab, download)
    tab.keyboard.press("c")
    download.wait_for(state="hidden")


def test_a_training_is_told_in_screens_without_an_empty_one_and_with_a_whole_table(page, app_url):
    tab = page  # a visitor who has no older visit to go on with meanwhile
    tab.set_viewport_size({"width": 1280, "height": 720})
    open_page(tab, f"{app_url}/teach{_ON}&dataset=digits&mode=pixels&photos_per_class=16")
    tab.locator(".st-key-start button:enabled").wait_for()
    tab.keyboard.press("Alt+s")
    title = tab.locator("h2", has_text="Evaluation: how good is it?")
    title.wait_for(state="attached")
    figure = tab.locator("h3", has_text="validation photographs")
    figure.wait_for(state="attached")
    wait_for_rest(tab)
    for _turn in range(4):  # to the end of the stage
        if title.is_visible():
            break
        tab.keyboard.press("PageDown")
    assert figure.is_visible()
    tab.keyboard.press("PageDown")
    inside(tab, tab.locator(".st-key-confusion .main-svg").first)


def test_a_chart_is_higher_on_a_higher_screen(open_tab, app_url):
    heights = []
    for width in (1280, 1920):
        with open_tab(width, width * 9 // 16) as tab:
            open_page(tab, f"{app_url}/backbones{_ON}&questions=0")
            tab.locator(".st-key-top5 .main-svg").first.wait_for()
            wait_for_rest(tab)
            heights.append(box_of(tab.locator(".st-key-top5 .main-svg").first)["height"])
    assert heights[1] > 1.3 * heights[0]


def test_the_switch_leaves_nothing_behind(page, app_url):
    tab = page
    tab.goto(f"{app_url}/why")
    switch = tab.locator(".st-key-present label")
    switch.click()
    tab.locator(".st-key-methods").wait_for(state="hidden")
    tab.wait_for_function("() => location.search.includes('present=1')")
    tab.keyboard.press("PageDown")  # the switch has the focus, and leaves it alone
    tab.locator(".st-key-stage").wait_for(state="hidden")
    switch.click()
    tab.locator(".st-key-methods").wait_for()
    inside(tab, tab.locator(".st-key-methods"))
    assert tab.evaluate(_TYPE) == "16px"
    tab.keyboard.press("c")
    tab.keyboard.press("PageDown")
    assert tab.locator(".st-key-stage").is_visible()
    assert tab.get_by_role("dialog").count() == 0


def test_on_a_phone_the_type_alone_is_bigger(tab, app_url):
    width, height = SIZES["phone"]
    tab.set_viewport_size({"width": width, "height": height})
    for path in ("", "attack"):
        open_page(tab, f"{app_url}/{path}{_ON}")
        no_sideways_scrolling(tab)
    tab.locator(".st-key-epsilon").wait_for()  # neither rail nor screens are hidden
    tab.locator(".st-key-code").wait_for()
