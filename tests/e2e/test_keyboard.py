"""The lab by keyboard alone: names, the order of stops, and a focus that is never lost."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

# A Start that Streamlit has not taken away yet, and how often it was pressed
_FADING_START = """() => {
  window.presses = 0;
  const place = document.createElement("div");
  place.className = "st-key-start";
  place.append(document.createElement("button"));
  place.onclick = () => window.presses++;
  document.body.append(place);
}"""
_PART = "() => document.activeElement.closest('[class*=st-key-]')?.className"


def test_the_first_stop_leads_past_everything_to_start(page, app):
    page.goto(f"{app.url}/attack")
    page.locator(".st-key-start button").wait_for()
    skip = page.locator("#skip")
    skip.wait_for(state="attached")
    page.keyboard.press("Tab")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-start button")).to_be_focused()
    expect(skip).not_to_be_in_viewport()


def test_a_japanese_screen_reader_hears_japanese_and_the_tab_has_the_pages_name(page, app):
    page.goto(f"{app.url}/attack?language=ja")
    page.locator(".st-key-start button").wait_for()
    expect(page.get_by_label("一覧を開く").first).to_be_visible()
    for english in ("Open", "App pages", "Navigate to home page"):
        expect(page.get_by_label(english, exact=True)).to_have_count(0)
    expect(page).to_have_title("だます · 転移学習ラボ")


def test_the_focus_goes_from_start_to_pause_and_from_stop_back_to_start(page, app):
    page.goto(f"{app.url}/ideal?steps=1024")
    page.locator(".st-key-start button").press("Enter")
    expect(page.locator(".st-key-pause button")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator(".st-key-stop button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-start button")).to_be_focused()


def test_a_question_that_was_answered_hands_the_focus_to_its_neighbour(page, app):
    page.goto(f"{app.url}/feature_maps")
    page.locator(".st-key-guess_feature_maps_place button").press("Enter")
    page.get_by_text("Your guess: what, and roughly where").wait_for()
    page.wait_for_function("() => document.activeElement !== document.body")
    assert "chapter" in page.evaluate(_PART)
    assert "Your guess" in page.evaluate("document.activeElement.innerText")
    page.locator(".st-key-more button").press("Enter")
    expect(page.locator(".st-key-compare button").first).to_be_focused()


def test_the_maps_are_one_stop_with_arrows_inside(page, app):
    page.goto(f"{app.url}/feature_maps")
    tiles = page.locator(".st-key-mosaic_left button")
    expect(tiles).to_have_count(16)
    reachable = page.locator(".st-key-mosaic_left button[tabindex='0']")
    expect(reachable).to_have_count(1)
    reachable.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(tiles.nth(5)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(tiles.nth(1)).to_be_focused()
    chosen = tiles.nth(1).get_attribute("title")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"channel={chosen.split()[-1]}\b"))
    expect(tiles.nth(1)).to_be_focused()
    expect(reachable).to_have_count(1)


def test_no_button_is_named_after_its_icon(page, app):
    page.goto(f"{app.url}/teach")
    page.get_by_role("button", name="More", exact=True).click()
    page.locator(".st-key-add_class button").click()  # now each box can be removed
    page.locator(".st-key-remove_2").wait_for()
    names = page.get_by_role("button").evaluate_all("found => found.map((one) => one.innerText)")
    icons = [name for name in names if name.strip().startswith("close icon")]
    assert not [name for name in icons if len(name.split()) <= 3], icons


def test_alt_s_begins_a_run_also_before_start_is_drawn(page, app):
    page.goto(f"{app.url}/attack?epsilon=0&steps=1024&version=1")  # goes on until it is stopped
    page.wait_for_function("() => window.startWantedAt === 0")
    page.keyboard.press("Alt+s")
    page.locator(".st-key-stop button").wait_for()
    page.keyboard.press("Alt+s")  # in a run it means nothing: not a second one when this is over
    page.locator(".st-key-stop button").click()
    page.locator(".st-key-start button").wait_for()
    page.wait_for_timeout(1000)
    assert page.locator(".st-key-stop").count() == 0


def test_alt_s_that_came_before_the_page_could_listen_counts(page, app):
    page.add_init_script("window.startWantedAt = Date.now()")
    page.goto(f"{app.url}/attack?epsilon=0&steps=1024&version=1")
    page.locator(".st-key-stop button").click()
    page.locator(".st-key-start button").wait_for()


def test_alt_s_presses_no_start_that_fades_out(page, app):
    page.goto(f"{app.url}/attack?epsilon=0&steps=1024&version=1")
    page.locator(".st-key-start button").click()
    page.locator(".st-key-stop button").wait_for()
    page.evaluate(_FADING_START)
    page.keyboard.press("Alt+s")
    assert page.evaluate("window.presses") == 0
    page.locator(".st-key-stop button").click()


def test_alt_s_on_teach_it_takes_a_ready_set_and_then_starts(page, app):
    page.goto(f"{app.url}/teach")
    page.locator(".st-key-ready_set button").wait_for()
    page.keyboard.press("Alt+s")
    page.locator(".st-key-start button:enabled").wait_for()
    page.keyboard.press("Alt+s")
    page.locator(".st-key-stop button").click()
    page.locator(".st-key-start button").wait_for()
