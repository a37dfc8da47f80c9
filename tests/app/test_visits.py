"""Who gets a visit by its code, and who does not."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import streamlit as st

from pages.shared import visit as shared_visit
from pages.shared.visits import Visits
from pages.visit.state import Visit


class Server:
    """Open tabs, and visitors whose things the lab keeps."""

    def __init__(self):
        self.tabs = {"tab 1", "tab 2"}
        self.kept = set()
        self.visits = Visits(
            is_connected=lambda tab: tab in self.tabs, resume=lambda visitor: visitor in self.kept
        )

    def begin(self, tab):
        """A new visit in a tab."""
        visit = Visit()
        self.kept.add(visit.id)
        assert self.visits.hold(visit, tab)
        return visit


@pytest.fixture
def server():
    return Server()


def test_every_visit_has_a_code_that_nobody_guesses_and_no_text_shows():
    first, second = Visit(), Visit()
    assert first.code != second.code
    assert len(first.code) >= 43
    assert first.code not in repr(first)
    assert first.code != first.id


def test_a_visit_goes_to_another_tab_once_its_own_is_closed(server):
    visit = server.begin("tab 1")
    assert server.visits.take_over(visit.code, "tab 2") is None
    assert server.visits.knows(visit.code)
    server.tabs.remove("tab 1")
    assert server.visits.take_over(visit.code, "tab 2") is visit
    assert server.visits.hold(visit, "tab 2")


def test_a_tab_that_comes_back_has_lost_its_visit_to_the_one_that_took_it_over(server):
    visit = server.begin("tab 1")
    server.tabs.remove("tab 1")
    server.visits.take_over(visit.code, "tab 2")
    server.tabs.add("tab 1")
    assert not server.visits.hold(visit, "tab 1")
    assert server.visits.take_over(visit.code, "tab 1") is None


def test_of_many_copies_of_a_closed_tab_one_gets_the_visit(server):
    visit = server.begin("tab 1")
    copies = [f"copy {number}" for number in range(20)]
    server.tabs = set(copies)
    at_once = threading.Barrier(len(copies))

    def ask(tab):
        at_once.wait()
        return server.visits.take_over(visit.code, tab)

    with ThreadPoolExecutor(len(copies)) as pool:
        assert sum(found is visit for found in pool.map(ask, copies)) == 1


def test_a_tab_whose_session_was_cleared_gets_its_own_visit_back(server):
    visit = server.begin("tab 1")
    assert server.visits.take_over(visit.code, "tab 1") is visit


@pytest.mark.parametrize("code", ["", "None", "no such code", "\ud800", "x" * 100_000])
def test_a_wrong_code_finds_nothing(server, code):
    server.begin("tab 1")
    server.tabs.clear()
    assert server.visits.take_over(code, "tab 2") is None
    assert not server.visits.knows(code)


def test_a_visit_that_is_over_is_not_found_by_its_code_and_takes_no_memory(server):
    visit, other = server.begin("tab 1"), server.begin("tab 2")
    server.tabs.clear()
    server.kept.discard(visit.id)
    assert server.visits.take_over(visit.code, "tab 3") is None  # in the moment before it is told
    server.visits.forget(visit.id)
    assert not server.visits.knows(visit.code)
    assert server.visits.take_over(visit.code, "tab 3") is None
    assert server.visits.take_over(other.code, "tab 3") is other
    assert len(server.visits._held) == 1


class Browser:
    """Tabs on Home, where a button asks for the visit whose code is in the address.

    Page tests run in one session, so the name of the tab that is drawn stands in for Streamlit's.
    They draw the frame, and so the button, only at first.
    """

    def __init__(self, open_page):
        self._open_page = open_page
        self.drawn = ""
        self.address = ""
        self.open_tabs = set()

    def mount(self, *, key, data, on_wanted_change):
        def ask():
            asked = {"code": st.query_params["code"], "address": self.address}
            st.session_state[key] = {"wanted": asked}
            on_wanted_change()

        st.button("ask", key="ask", on_click=ask)

    def open(self, tab):
        self.drawn = tab
        self.open_tabs.add(tab)
        return self._open_page()

    def ask(self, app, code):
        """Ask for a visit; return the visit that the tab has then."""
        app.query_params["code"] = code
        app.button(key="ask").click().run()
        assert not app.exception
        assert not app.error
        return app.session_state["visit"]


@pytest.fixture
def browser(open_page, monkeypatch):
    found = Browser(open_page)
    monkeypatch.setattr("pages.shared.resume._mount", found.mount)
    monkeypatch.setattr(shared_visit, "_session", lambda: found.drawn)
    monkeypatch.setattr(shared_visit.visits, "_is_connected", found.open_tabs.__contains__)
    return found


def test_a_new_tab_gets_the_whole_visit_of_the_one_that_was_closed(browser, app_lab):
    first = browser.open("first")
    first.switch_page("pages/ideal/page.py").run()
    first.button(key="start").click().run()
    visit = first.session_state["visit"]
    browser.open_tabs.clear()
    second = browser.open("second")
    fresh = second.session_state["visit"]
    second.session_state["left_over"] = "of the new visit"
    assert browser.ask(second, visit.code) is visit
    assert "left_over" not in second.session_state
    assert not app_lab.resume(fresh.id)
    (_label, job) = visit.runs["ideal"].jobs[0]
    assert not job.is_over
    second.switch_page("pages/ideal/page.py").run()
    second.button(key="stop").click().run()
    assert job.wait(60)


def test_a_tab_that_was_cut_off_begins_a_new_visit_when_it_comes_back(browser):
    first = browser.open("first")
    visit = first.session_state["visit"]
    browser.open_tabs.clear()
    browser.ask(browser.open("second"), visit.code)
    browser.drawn = "first"
    first.switch_page("pages/ideal/page.py").run()
    assert not first.exception
    assert first.session_state["visit"] is not visit
    assert first.session_state["visit"].code != visit.code


def test_a_visit_whose_tab_is_open_stays_there_and_the_copy_may_ask_again(browser):
    visit = browser.open("first").session_state["visit"]
    second = browser.open("second")
    own = second.session_state["visit"]
    assert browser.ask(second, visit.code) is own
    assert second.session_state["resume_refused"] == 1
    assert second.session_state["resume_is_known"]


@pytest.mark.parametrize("was_a_visit", [True, False])
def test_an_old_or_wrong_code_leaves_the_new_visit_and_shows_no_error(
    browser, app_lab, was_a_visit
):
    visit = browser.open("first").session_state["visit"]
    browser.open_tabs.clear()
    if was_a_visit:
        app_lab.end(visit.id)
        app_lab._presence.reap()
    second = browser.open("second")
    own = second.session_state["visit"]
    assert browser.ask(second, visit.code if was_a_visit else "no such code") is own
    assert not second.session_state["resume_is_known"]
