"""A term in a lesson's text explains itself where it stands."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def opened(page, app_url):
    """The Teach it page, and the first term of its first sentence."""
    page.goto(f"{app_url}/teach?dataset=digits&version=1")
    link = page.locator(".st-key-about a").first
    link.wait_for()
    page.wait_for_function("() => 'termWanted' in window")
    return page, link


@pytest.mark.parametrize("width", [390, 1280])
def test_a_click_on_a_term_explains_it_beside_the_word_and_escape_leads_back(opened, width):
    page, link = opened
    page.locator(".st-key-close_chapter button").first.click()
    page.wait_for_url("**questions=0*")
    page.set_viewport_size({"width": width, "height": 844})
    link.wait_for()
    before = page.url
    link.click()
    card = page.get_by_role("dialog", name="transfer learning")
    expect(card).to_contain_text("転移学習")
    expect(card).to_contain_text("Reusing what a network has learned")
    box = card.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert page.url == before
    page.keyboard.press("Escape")
    expect(card).to_have_count(0)
    expect(link).to_be_focused()


def test_a_term_leads_to_its_place_in_the_glossary_and_the_visit_goes_on(opened):
    page, link = opened
    page.locator(".st-key-close_chapter button").first.click()
    page.locator(".st-key-chapter").wait_for(state="detached")
    link.focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Glossary").click()
    page.get_by_role("heading", name="Glossary", level=1).wait_for()
    expect(page.get_by_label("Search")).to_have_value("transfer learning")
    page.go_back()
    page.get_by_role("heading", name="Teach it", level=1).wait_for()
    expect(page.locator(".st-key-chapter")).to_have_count(0)
