from pages.shared.sitemap import PAGES
from tests.app.conftest import words
from tl_core.engine.worker import Worker
from tl_core.errors import UserError


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


def test_every_page_says_why_nothing_can_run_while_the_device_does_not_answer(
    open_page, monkeypatch
):
    monkeypatch.setattr(Worker, "trouble", lambda _self: UserError("The device is gone."))
    assert [box.value for box in open_page().error] == ["The device is gone."]
