"""*Feature maps* in a browser: a click on a map, the grid, what is taken home."""

import io

import pytest
from PIL import Image

from tests.e2e.layout import box_of
from tests.png_text import png_text
from tl_core.images.encode import SETTINGS_KEY
from tl_core.specs.every import spec_from_json
from tl_core.specs.feature_maps import ChannelDetail, FeatureMaps

pytestmark = pytest.mark.browser

# asked in one go: the page draws the picture anew meanwhile
_IS_THERE = """before => {
  const now = document.querySelector(".st-key-main_picture img")?.getBoundingClientRect();
  return now && ["x", "y", "width", "height"].every(side => now[side] === before[side]);
}"""


def test_a_click_on_a_tile_shows_that_channel_at_large(page, app_url):
    page.goto(f"{app_url}/feature_maps")
    tiles = page.locator(".st-key-mosaic_left").get_by_role("button")
    tiles.nth(5).wait_for()
    name = tiles.nth(5).get_attribute("title")
    assert name.startswith("channel ")
    tiles.nth(5).click()
    chosen = page.locator(".st-key-mosaic_left button.chosen")
    chosen.and_(page.get_by_title(name, exact=True)).wait_for()
    page.get_by_text("What else activates it?").wait_for()
    page.locator(".st-key-channel_head").get_by_text(name, exact=True).wait_for()


def test_the_grid_and_one_map_are_saved_with_their_settings(page, app_url):
    page.goto(f"{app_url}/feature_maps?sample=sample%3Acat&layer=blocks.2.1&version=1")
    page.locator(".st-key-more button").click()
    for key, kind in (("download_maps_1", FeatureMaps), ("download_map", ChannelDetail)):
        with page.expect_download() as saved:
            page.locator(f".st-key-{key} button").click()
        file = saved.value.path().read_bytes()
        spec = spec_from_json(png_text(file)[SETTINGS_KEY])
        assert isinstance(spec, kind)
        assert (spec.photo, spec.layer) == ("sample:cat", "blocks.2.1")
        assert min(Image.open(io.BytesIO(file)).size) > 400


def test_play_goes_on_to_deeper_layers_until_it_is_paused(page, app_url):
    page.goto(f"{app_url}/feature_maps")
    button = page.locator(".st-key-play_layers button")
    button.click()
    page.locator(".st-key-layer", has_text="Layer 3:").wait_for()
    button.click()
    page.get_by_role("button", name="Play").wait_for()


def test_the_why_page_draws_its_maps_and_their_proof(page, app_url):
    page.goto(f"{app_url}/why?sample=sample%3Adalmatian")
    page.get_by_role("heading", name="Why dalmatian?").wait_for()
    page.locator(".st-key-close_chapter button").first.click()  # or the proof is covered
    page.get_by_text("Same blur elsewhere").first.wait_for()


def test_the_map_comes_over_the_photograph_without_a_jump(page, app_url):
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{app_url}/why?sample=sample%3Ashoe&methods=integrated_gradients")
    picture = page.locator(".st-key-main_picture img")
    page.get_by_alt_text("The photograph at the network's size").wait_for()
    before = box_of(picture)
    page.get_by_alt_text("where the evidence for").first.wait_for()
    page.wait_for_function(_IS_THERE, arg=before)
    assert before["width"] >= 420
    assert before["y"] + before["height"] <= 720


def test_the_mosaic_and_a_channel_at_large_need_no_scrolling(page, app_url):
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{app_url}/feature_maps")
    mosaic = page.locator(".st-key-mosaic_left img")
    mosaic.wait_for()
    page.get_by_text("What else activates it?").wait_for()
    assert box_of(mosaic)["width"] >= 420
    for part in (mosaic, page.locator(".st-key-channel_pictures img").first):
        box = box_of(part)
        assert box["y"] + box["height"] <= 720
