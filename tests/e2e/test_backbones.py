import re

import pytest

from tests.e2e.layout import box_of

pytestmark = pytest.mark.browser

ROW = 35  # pixels, of the table's header and of its rows


def click_in_table(page, row: int, x: int) -> None:
    """Click into a row of the table, so many pixels from its left edge."""
    table = page.locator(".st-key-backbone_table .dvn-scroller")
    table.click(position={"x": x, "y": ROW * (row + 1) + ROW // 2})


def test_the_first_screen_shows_the_photograph_and_every_ready_networks_answer(page, app_url):
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{app_url}/backbones")
    page.locator("img[alt^='Cat as EfficientNet-Lite0 sees it']").wait_for()
    page.locator(".st-key-close_chapter button").first.click()
    page.locator(".st-key-other_answers canvas").first.wait_for()
    picture = box_of(page.locator(".st-key-main_picture img"))
    assert picture["width"] >= 420
    for part in (".st-key-main_picture img", ".st-key-top5", ".st-key-other_answers"):
        box = box_of(page.locator(part).first)
        assert box["y"] + box["height"] <= 700, part


def test_on_a_phone_the_photograph_and_the_answer_fill_the_first_screen(page, app_url):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app_url}/backbones")
    answer = page.get_by_role("heading", name=re.compile("says: .*cat"))
    answer.wait_for()
    picture = box_of(page.locator(".st-key-main_picture img"))
    assert picture["width"] >= 350
    assert picture["y"] < box_of(answer)["y"] < 700


def test_a_click_on_a_row_chooses_its_network_and_offers_its_download_in_the_rail(page, app_url):
    page.goto(f"{app_url}/backbones")
    page.get_by_role("heading", name=re.compile("Lite0 says")).wait_for()
    click_in_table(page, 1, 17)
    page.get_by_role("heading", name=re.compile("EfficientNet-Lite1 says")).wait_for()
    click_in_table(page, 3, 17)
    page.locator(".st-key-rail").get_by_text("MobileNetV2 is not on this machine yet").wait_for()
    assert page.locator(".st-key-rail .st-key-download_backbone").is_visible()
    assert page.locator(".st-key-main_picture img").is_visible()


def test_a_download_is_begun_in_the_row_of_the_table(page, app_url):
    page.goto(f"{app_url}/backbones?backbone=mobilenet_v2")
    page.locator(".st-key-rail .st-key-download_backbone").wait_for()
    click_in_table(page, 3, 225)
    page.get_by_text("The backbones that are ready work as before").wait_for()
