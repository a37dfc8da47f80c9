"""Stop gives up an answer for who presses it; whoever waits for the same one gets it."""

from typing import Literal

import pytest

from tests.app.conftest import words
from tl_core.lab import Job, JobState
from tl_core.specs.training import BudgetPoint, LabelBudget, LabelBudgetSnapshot

STARTS: tuple[Literal["trained", "random", "pixels"], ...] = ("trained", "random", "pixels")
POINTS = tuple(
    BudgetPoint(start=start, photos_per_class=1, mean=0.5, low=0.4, high=0.6) for start in STARTS
)
PART = LabelBudgetSnapshot(phase="measuring", points=POINTS[:1], validation_photographs=7)
ALL = LabelBudgetSnapshot(phase="done", points=POINTS, validation_photographs=7)


@pytest.fixture
def shared(app_lab, monkeypatch):
    """The label budgets that were asked for; equal ones are one job, as long as it is open."""
    jobs, ask = [], app_lab.jobs.ask

    def asked(spec, owner, **how):
        if not isinstance(spec, LabelBudget):
            return ask(spec, owner, **how)
        if not jobs or (jobs[-1].cancel_requested and not jobs[-1].is_over):
            jobs.append(Job(spec, owner))
        if not jobs[-1].is_over:
            jobs[-1].owners |= {owner}
        return jobs[-1]

    monkeypatch.setattr(app_lab.jobs, "ask", asked)
    return jobs


@pytest.fixture
def visitor(open_page, shared):
    """A visitor who has asked for the label budget of the digits."""

    def opened():
        page = open_page("teach")
        page.selectbox(key="dataset").set_value("digits").run()
        return settled_look(page).button(key="start_budget").click().run()

    return opened


def settled_look(page):
    assert page.session_state["visit"].jobs["look"].wait(60)
    return page.run()


def keys(page):
    return {button.key for button in page.button}


def test_stop_gives_a_shared_answer_up_for_one_visitor_and_the_other_gets_it(visitor, shared):
    one, other = visitor(), visitor()
    (job,) = shared
    job.state = JobState.RUNNING
    job.publish(PART)
    one.run().button(key="stop_budget").click().run()
    assert not job.cancel_requested
    assert job.owners == {other.session_state["visit"].id}
    assert "again_budget" in keys(one)
    assert "stop_budget" not in keys(one)
    assert "stop_budget" in keys(other.run())
    job.finish(ALL)
    assert "With **1** of each class to learn from" in words(other.run())
    assert "again_budget" not in keys(other)
    one.run()
    assert "again_budget" in keys(one)
    assert "of each class to learn from, accuracy" not in words(
        one
    )  # what was drawn when it was stopped
    one.button(key="again_budget").click().run()
    assert "With **1** of each class to learn from" in words(one)


def test_who_gave_a_shared_answer_up_joins_it_again_by_going_on(visitor, shared):
    one, other = visitor(), visitor()
    (job,) = shared
    one.button(key="stop_budget").click().run()
    one.button(key="again_budget").click().run()
    assert job.owners == {page.session_state["visit"].id for page in (one, other)}
    assert "stop_budget" in keys(one)


def test_who_stopped_alone_goes_on_with_a_new_measurement(visitor, shared):
    page = visitor()
    page.button(key="stop_budget").click().run()
    assert shared[0].cancel_requested
    assert "again_budget" in keys(page)
    page.button(key="again_budget").click().run()
    assert len(shared) == 2
    assert "stop_budget" in keys(page)


def test_measuring_again_takes_up_what_was_stopped(visitor, shared):
    page = visitor()
    page.button(key="stop_budget").click().run()
    page.button(key="start_budget").click().run()
    assert "stop_budget" in keys(page)
    assert len(shared) == 2
