"""On a tablet: every page in the menu, and the bench without one thing over another."""

import pytest
from playwright.sync_api import expect

from tests.e2e.layout import box_of, inside, no_overlap, no_sideways_scrolling, wait_for_rest

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", params=[768, 820])
def tablet(open_tab, request):
    with open_tab(request.param, 1100) as page:
        yield page


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("path", ["feature_maps", "path"])
def test_the_menu_has_all_pages_and_the_link_its_place(tablet, app_url, path, language):
    tablet.goto(f"{app_url}/{path}?language={language}&version=1")
    links = tablet.get_by_test_id("stTopNavLink")
    expect(links).to_have_count(9)
    wait_for_rest(tablet)
    inside(tablet, links.last)
    assert box_of(links.last)["width"] > 20
    expect(tablet.locator("[data-testid=stTopNavLink][aria-current=page]")).to_be_visible()
    expect(tablet.get_by_test_id("stTopNav")).not_to_contain_text("more")
    if path != "path":
        no_overlap([tablet.locator(".st-key-copy_link"), tablet.locator(".st-key-backbone")])
    no_sideways_scrolling(tablet)
