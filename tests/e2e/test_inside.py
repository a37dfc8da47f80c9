import pytest

pytestmark = pytest.mark.browser


def test_a_click_on_a_tile_shows_that_channel_at_large(page, app_url):
    page.goto(f"{app_url}/feature_maps")
    tiles = page.locator(".st-key-mosaic_left").get_by_role("button")
    tiles.nth(5).wait_for()
    name = tiles.nth(5).get_attribute("title")
    assert name.startswith("channel ")
    tiles.nth(5).click()
    chosen = page.locator(".st-key-mosaic_left button.chosen")
    chosen.and_(page.get_by_title(name, exact=True)).wait_for()
    page.get_by_text("What else makes it fire?").wait_for()
    assert page.get_by_role("combobox", name="Channel").input_value() == name.split()[1]


def test_the_why_page_draws_its_maps_and_their_proof(page, app_url):
    page.goto(f"{app_url}/why?sample=sample%3Adalmatian")
    page.get_by_role("heading", name="Why dalmatian?").wait_for()
    page.get_by_text("A random fifth instead").first.wait_for()
