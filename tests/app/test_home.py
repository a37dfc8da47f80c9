from pages.shared.measured_examples import measured_examples
from pages.shared.sitemap import PAGES
from tests.app.conftest import words
from tl_core.engine.worker import Worker
from tl_core.errors import UserError


def test_home_says_what_transfer_learning_is_and_leads_to_every_page(open_page):
    app = open_page()
    text = words(app)
    assert "transfer learning" in text
    assert all(row.invitation in text for row in PAGES)


def test_the_words_at_the_pictures_quote_the_figures_measured_with_them(open_page):
    text = " ".join(link.proto.help for link in open_page().get("page_link"))
    text = text.replace("\u00a0", " ")
    found = measured_examples()
    for name in ("probability", "judge_probability"):
        assert f"{100 * found['ideal'][name]:.1f} %" in text
    for name in ("before_probability", "after_probability"):
        assert f"{100 * found['fooled'][name]:.1f} %" in text
    assert f"channel {found['channel']['channel']} of {found['channel']['channels']}" in text
    for start in ("pretrained", "scratch"):
        assert f"{100 * found['training'][start][-1]:.1f} %" in text


def test_the_pictures_stand_in_the_order_of_the_pages(open_page):
    titles = [row.title for row in PAGES]
    links = [link.proto.label for link in open_page().get("page_link")]
    links = [label for label in links if label.startswith("**")][:4]
    places = [titles.index(label.strip("*")) for label in links]
    assert places == sorted(places)


def test_two_of_the_three_ways_in_lead_to_the_networks_and_to_teaching(open_page):
    for key, title in (("way_backbones", "Backbones"), ("way_teach", "Teach it")):
        app = open_page()
        app.button(key=key).click().run()
        assert not app.exception
        assert app.title[0].value == title


def test_every_page_says_why_nothing_can_run_while_the_device_does_not_answer(
    open_page, monkeypatch
):
    monkeypatch.setattr(Worker, "trouble", lambda _self: UserError("The device is gone."))
    assert [box.value for box in open_page().error] == ["The device is gone."]
