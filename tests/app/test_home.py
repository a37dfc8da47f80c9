from pages.widgets.sitemap import PAGES
from tests.app.conftest import words


def test_home_says_what_transfer_learning_is_and_leads_to_every_page(open_page):
    app = open_page()
    text = words(app)
    assert "transfer learning" in text
    assert all(row.invitation in text for row in PAGES)


def test_every_page_opens_without_an_error(open_page):
    for row in PAGES:
        app = open_page(row.path.removeprefix("pages/").removesuffix(".py"))
        assert not app.error, row.title
        assert app.title[0].value == row.title
