"""The tour of five minutes: from page to page, with everything set, and back."""

from pages.shared.link import encode
from pages.shared.tour import STOPS
from tests.app.conftest import settled, words


def on_tour(open_page, number=1):
    """Home, then Next up to a stop."""
    app = settled(open_page().button(key="way_tour").click().run())
    for _stop in range(1, number):
        app = settled(app.button(key="tour_next").click().run())
    assert not app.exception
    return app


def test_every_stop_says_where_one_is_and_has_its_page_set(open_page):
    app = on_tour(open_page)
    for number, stop in enumerate(STOPS, start=1):
        assert app.title[0].value == stop.row.title
        assert f"**{number} of {len(STOPS)}**" in words(app)
        shown = app.session_state["visit"].choices | app.session_state["address"]
        assert {key: shown.get(key) for key in stop.choices} == {
            key: encode(value) for key, value in stop.choices.items()
        }
        assert app.session_state["address"]["tour"] == str(number)
        app = settled(app.button(key="tour_next").click().run())
        assert not app.exception
    assert app.title[0].value == "Your path"
    assert "tour" not in app.session_state["address"]


def test_back_goes_to_the_stop_before_and_from_the_first_one_home(open_page):
    app = on_tour(open_page, 2)
    app = settled(app.button(key="tour_back").click().run())
    assert app.title[0].value == STOPS[0].row.title
    app.button(key="tour_back").click().run()
    assert app.title[0].value == "Transfer Learning Lab"


def test_who_leaves_the_tour_for_another_page_finds_the_way_back(open_page):
    app = on_tour(open_page, 2)
    app.query_params.clear()  # as the browser does when the menu is used
    app = settled(app.switch_page("pages/attribution/page.py").run())
    assert f"The tour waits at **2 of {len(STOPS)}**" in words(app)
    assert app.button(key="tour_resume").label == STOPS[1].row.title


def test_an_ended_tour_leaves_the_page_with_its_question(open_page):
    app = on_tour(open_page)
    app = settled(app.button(key="close_tour").click().run())
    assert "tour_next" not in {button.key for button in app.button}
    assert any(button.key.startswith("guess_") for button in app.button)
    assert "tour" not in app.session_state["address"]


def test_a_link_to_a_stop_that_does_not_exist_begins_no_tour(open_page):
    app = open_page()
    app.query_params["tour"] = "9"
    app = settled(app.switch_page("pages/attribution/page.py").run())
    assert not app.exception
    assert "The tour waits" not in words(app)
