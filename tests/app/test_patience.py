"""No page keeps a visitor waiting for long, however many answers it draws."""

from types import SimpleNamespace

from pages.shared import runs
from pages.state import Run
from tl_core.lab import Job
from tl_core.specs import IdealImage


def test_all_answers_of_a_page_share_its_patience(open_page, app_lab, monkeypatch):
    page, waits = open_page("home"), []

    def nobody_answers(spec, owner, timeout_s):
        waits.append(timeout_s)
        page.session_state["visit"].drawn_at -= timeout_s  # as if it had been waited
        return Job(spec, owner)

    monkeypatch.setattr(app_lab.jobs, "ask", nobody_answers)
    page.switch_page("pages/backbones.py").run()
    assert not page.exception
    assert len(waits) == 4
    assert sum(waits) <= 2.0


def test_what_runs_is_stopped_together_before_the_next_begins(open_page, app_lab, monkeypatch):
    page = open_page("ideal")
    visit, clock, waits = page.session_state["visit"], [0.0], []

    class Stubborn(Job):
        def wait(self, timeout_s=None):
            waits.append(timeout_s)
            clock[0] += timeout_s
            return False

    old = [("", Stubborn(IdealImage(seed=seed), visit.id)) for seed in range(5)]
    visit.runs["ideal"] = Run("old", old)
    monkeypatch.setattr(runs, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(app_lab.jobs, "submit", Job)
    page.run().button(key="start").click().run()
    assert not page.exception
    assert all(job.cancel_requested for _label, job in old)
    assert len(waits) == 5
    assert sum(waits) <= 2.0
