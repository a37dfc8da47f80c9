"""Each page has its address, also where it is the first that a new server is asked for."""

import pytest
from playwright.sync_api import expect

from pages.shared.sitemap import ALL_PAGES, HOME, TRAINING
from tests.app_process import app_process

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("first", [HOME, TRAINING], ids=lambda row: row.topic)
def test_pages_open_on_a_server_that_has_just_started(first, page, tmp_path):
    with app_process(tmp_path) as app:
        for row in (first, *(row for row in ALL_PAGES if row is not first)):
            page.goto(f"{app.url}/{row.address}")
            title = "Transfer Learning Lab" if row is HOME else row.title
            expect(page.get_by_role("heading", name=title, exact=True, level=1)).to_be_visible()
            expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("name", ["state", "languages", "page", "nothing"])
def test_a_file_of_the_lab_is_no_page(name, page, app_url):
    page.goto(f"{app_url}/{name}")
    expect(page.get_by_role("dialog")).to_contain_text("Page not found")
