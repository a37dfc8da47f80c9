import pytest

from tests.e2e.layout import box_of, no_sideways_scrolling

pytestmark = pytest.mark.browser

WAYS = (".st-key-tour", ".st-key-way_backbones", ".st-key-way_teach")


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


def test_a_link_of_the_five_minutes_brings_its_photograph_also_after_another_was_chosen(
    page, app_url
):
    page.goto(app_url)
    for title, photograph in (("Backbones", "Cat"), ("Fool it", "Dog (dalmatian)")):
        page.locator(".st-key-tour button").first.click()
        page.get_by_test_id("stPopoverBody").get_by_role("link", name=title).click()
        page.get_by_role("heading", level=1, name=title).wait_for()
        page.locator(".st-key-bench").get_by_text(photograph, exact=True).wait_for()
        page.get_by_test_id("stTopNavLink").filter(has_text="Home").click()
        page.get_by_role("heading", name="Transfer Learning Lab").wait_for()
