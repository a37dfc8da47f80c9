import re

import pytest
from playwright.sync_api import expect

from pages.languages import codes
from tests.e2e.layout import (
    above_the_foot,
    box_of,
    no_sideways_scrolling,
    nothing_cut_off,
    wait_for_rest,
)

pytestmark = pytest.mark.browser

QUICK = "mode=pixels&photos_per_class=8"  # no network looks at photographs while it learns
CURVE = ".st-key-main_picture .js-plotly-plot"


@pytest.fixture(scope="session")
def cats_and_dogs(photos_dir):
    """Thirteen photographs of each, by class."""
    folder = photos_dir / "cats_vs_dogs" / "train"
    return {place.name: sorted(place.iterdir())[:13] for place in sorted(folder.iterdir())}


def test_eight_and_eight_photographs_are_learned_by_themselves_and_ten_others_recognised(
    page, app_url, cats_and_dogs
):
    page.goto(f"{app_url}/teach")
    for box, (name, files) in enumerate(cats_and_dogs.items()):
        page.get_by_label("Class name").nth(box).fill(name)
        page.locator(f".st-key-photos_{box} input.file").set_input_files(files[:8])
    page.get_by_role("heading", name=re.compile("on 4 validation photographs")).wait_for()
    page.get_by_text("A validation photograph it never learned from").wait_for()
    said = page.locator(".st-key-tried button")
    others = [(name, file) for name, files in cats_and_dogs.items() for file in files[8:]]
    for place, (_name, file) in enumerate(others):
        page.locator(".st-key-photo input.file").set_input_files(file)
        if place == 0:
            page.locator(".st-key-own_answer").wait_for()
            expect(page.get_by_text("A validation photograph it never learned from")).to_have_count(
                0
            )
        else:
            expect(said).to_have_count(place + 1)
    words = [one.inner_text() for one in said.all()]
    right = [name in text for (name, _file), text in zip(reversed(others), words, strict=True)]
    assert sum(right) >= 9, words


def test_a_click_on_the_confusion_matrix_opens_its_photographs(page, app_url):
    page.goto(f"{app_url}/teach?dataset=faces&{QUICK}")
    page.locator(".st-key-start button:enabled").click()
    page.get_by_role("heading", name=re.compile("validation photographs")).wait_for()
    cell = page.locator(".st-key-confusion .scatterlayer .point").first
    cell.wait_for(state="attached")
    page.locator(".st-key-confusion").scroll_into_view_if_needed()
    wait_for_rest(page)
    cell.element_handle().wait_for_element_state("stable")
    box = box_of(cell)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.up()
    page.get_by_text(re.compile(r"^face: predicted face, \d+\s%$")).first.wait_for()


def test_a_setting_one_click_away_is_shown_as_it_is_after_other_settings_were_changed(
    page, app_url
):
    page.goto(f"{app_url}/teach?dataset=digits")
    page.get_by_role("button", name="More settings").click()
    page.locator(".st-key-mode").get_by_text("Raw pixels").click()
    page.locator(".st-key-mode [aria-checked=true], .st-key-mode [aria-pressed=true]").nth(
        1
    ).wait_for()
    page.locator(".st-key-trick_momentum").get_by_text("0.9", exact=True).wait_for()


def test_the_first_view_holds_three_heads_the_curve_and_start_before_and_after_a_run(page, app_url):
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{app_url}/teach?{QUICK}&questions=0&version=1")
    page.get_by_role("button", name="Use a built-in data set").click()
    page.locator(".st-key-start button:enabled").wait_for()
    page.locator(CURVE).wait_for()
    wait_for_rest(page)
    first_view_is_whole(page)
    page.locator(".st-key-start button").click()
    page.get_by_role("heading", name=re.compile("Your model says")).wait_for()
    first_view_is_whole(page)


@pytest.mark.parametrize("code", codes())
def test_pause_and_stop_are_read_whole_while_it_learns(page, app_url, code):
    page.goto(f"{app_url}/teach?dataset=digits&mode=scratch&language={code}")
    page.locator(".st-key-start button:enabled").click()
    page.locator(".st-key-stop button").wait_for()
    for width in (1280, 1024, 390):
        page.set_viewport_size({"width": width, "height": 720})
        nothing_cut_off(page)
    page.locator(".st-key-stop button").click()
    page.locator(".st-key-start button").wait_for()


def first_view_is_whole(page):
    """Nothing that matters lies below the fold, and the curve is wide enough to be read."""
    for name in ("Classes", "Learn", "Try it"):
        assert bottom(page.get_by_role("heading", name=name, exact=True)) <= 720
    assert bottom(page.locator(".st-key-start button")) <= 720
    curve = page.locator(CURVE)
    assert bottom(curve) <= 720
    assert box_of(curve)["width"] >= 420


def bottom(place):
    box = box_of(place)
    return box["y"] + box["height"]


def test_a_phone_shows_one_pane_at_a_time_and_the_way_to_the_next(page, app_url):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app_url}/teach?questions=0&version=1")
    page.locator(".st-key-photos_1 .open").wait_for()
    wait_for_rest(page)
    no_sideways_scrolling(page)
    for number in (0, 1):
        above_the_foot(page, page.locator(f".st-key-photos_{number} .open"))
    expect(page.locator(CURVE)).to_be_hidden()
    page.locator(".panes [data-key=learn]").click()
    above_the_foot(page, page.locator(".st-key-ready_set button"))
    expect(page.locator(CURVE)).to_be_visible()
    page.locator(".panes [data-key=try]").click()
    expect(page.locator(".st-key-try_more")).to_be_visible()
    expect(page.locator(CURVE)).to_be_hidden()
    no_sideways_scrolling(page)
