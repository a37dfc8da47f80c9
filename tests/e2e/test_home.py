import pytest

from tests.e2e.layout import box_of, no_sideways_scrolling

pytestmark = pytest.mark.browser

WAYS = (".st-key-way_tour", ".st-key-way_backbones", ".st-key-way_teach")


def ends(page, part: str, number: int = 0) -> float:
    """How far down the page a part ends, in pixels."""
    box = box_of(page.locator(part).nth(number))
    return box["y"] + box["height"]


def test_the_first_screen_shows_the_three_ways_in_and_the_four_pictures(page, app_url):
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(app_url)
    page.get_by_role("heading", name="Transfer Learning Lab").wait_for()
    pictures = page.locator(".st-key-home_pictures img")
    pictures.nth(3).wait_for()
    assert all(ends(page, way) < 700 for way in WAYS)
    assert all(ends(page, ".st-key-home_pictures img", number) < 700 for number in range(4))
    assert all(
        "EfficientNet-Lite0" in (found.get_attribute("alt") or "") for found in pictures.all()
    )


def test_on_a_phone_the_first_screen_shows_the_three_ways_in_and_a_picture(page, app_url):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(app_url)
    page.locator(".st-key-home_pictures img").first.wait_for()
    assert all(ends(page, way) < 844 for way in WAYS)
    assert ends(page, ".st-key-home_pictures img") < 844
    no_sideways_scrolling(page)


def test_the_tour_goes_through_five_pages_and_brings_their_photographs(page, app_url):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(app_url)
    page.locator(".st-key-way_tour button").click()
    for number, photograph in enumerate(("Cat", "Cat", None, "Dog (dalmatian)", None), start=1):
        page.get_by_text(f"{number} of 5").wait_for()
        if photograph:
            page.locator(f".st-key-photo img[alt='{photograph}']").wait_for(state="attached")
        no_sideways_scrolling(page)
        page.locator(".st-key-tour_next button").click()
    page.get_by_role("heading", name="Your path").wait_for()
