"""No page keeps a visitor waiting for long, however many answers it draws."""

import pytest
from streamlit.runtime.scriptrunner import RerunData

from pages.shared.visit import script_context
from tl_core.lab import Job


@pytest.fixture
def page(open_page):
    return open_page("home")


@pytest.fixture
def clicks():
    """What the visitor clicks while the page waits."""
    return []


@pytest.fixture
def waits(page, app_lab, clicks, monkeypatch):
    """Seconds for which the page has waited, and 0 each time it asked; nobody answers it."""
    waits = []

    class Unanswered(Job):
        def wait(self, timeout_s=None):
            waits.append(timeout_s)
            page.session_state["visit"].drawn_at -= timeout_s  # as if it had been waited
            context = script_context()
            if clicks and context.script_requests:
                here = RerunData(page_script_hash=context.page_script_hash)
                context.script_requests.request_rerun(here)
                clicks.clear()
            return False

    def ask(spec, owner, timeout_s):
        waits.append(0)
        return Unanswered(spec, owner)

    monkeypatch.setattr(app_lab.jobs, "ask", ask)
    return waits


def test_all_answers_of_a_page_share_its_patience(page, waits):
    page.switch_page("pages/backbones/page.py").run()
    assert not page.exception
    assert waits[:3] == [0, 0, 0]  # all are asked before any is waited for
    assert waits.count(0) == 6
    assert 0 < sum(waits) <= 2.0


def test_a_page_that_waits_gives_way_to_the_next_click(page, waits, clicks):
    clicks.append("anything")
    page.switch_page("pages/backbones/page.py").run()
    assert not page.exception
    first_wait = next(number for number, wait_s in enumerate(waits) if wait_s)
    assert waits[first_wait + 1 : first_wait + 4] == [0, 0, 0]  # drawn anew from its beginning
