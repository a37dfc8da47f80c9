import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_a_picture_grows_while_its_slider_is_moved_and_stops_when_asked(page, app_url):
    page.set_viewport_size({"width": 1440, "height": 1600})
    page.goto(f"{app_url}/ideal")
    page.get_by_role("heading", name="Ideal image").wait_for()
    page.locator(".st-key-start button").click()
    picture = page.locator("img[alt^='The picture after']")
    first = picture.get_attribute("src")
    expect(picture).not_to_have_attribute("src", first)  # it moves by itself
    slider = page.locator(".st-key-tv_weight input")
    slider.press("ArrowRight")
    # the curve marks the place; while a page is drawn anew its last chart may still stand beside it
    page.get_by_text(re.compile("TV weight 100")).first.wait_for()
    page.locator(".st-key-stop button").click()
    expect(page.locator(".st-key-stop button")).to_have_count(0)
    before = picture.get_attribute("alt")
    page.wait_for_timeout(1500)
    assert picture.get_attribute("alt") == before


def test_a_stopped_picture_is_kept_and_the_next_run_can_start_from_it(page, app_url):
    page.set_viewport_size({"width": 1440, "height": 1600})
    page.goto(f"{app_url}/ideal")
    page.locator(".st-key-start button").click()
    page.get_by_text(re.compile(r"step [1-9]\d* of 256")).wait_for()
    page.locator(".st-key-stop button").click()
    page.get_by_role("heading", name="Your gallery").wait_for()
    page.get_by_role("button", name="Continue from here").click()
    page.get_by_text("The next run starts from this picture").wait_for()
    page.locator(".st-key-start button").click()
    page.locator(".st-key-stop button").click()
    expect(page.locator(".st-key-stop button")).to_have_count(0)
    page.locator(".st-key-more button").first.click()
    expect(page.locator(".st-key-from_photo input")).to_be_checked()
