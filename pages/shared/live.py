"""Short jobs of a page: submit, poll while they run, draw the answer."""

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import cast

import streamlit as st

from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, show_error
from tl_core.lab import Job, JobState, UserError
from tl_core.specs.base import Snapshot, SnapshotT, Spec

POLL_S = 0.5
PAGE_WAITS_S = 2.0  # at most, for all its answers together
_LOOK_S = 0.1  # between two looks whether the visitor wants something else by now


def answer(
    spec: Spec[SnapshotT], *, timeout_s: float = PAGE_WAITS_S, height: int = 0
) -> SnapshotT | None:
    """The answer to a short question, or ``None`` while it is awaited or where it failed.

    ``height`` is that of a skeleton, in pixels, which keeps the answer's place.

    The page waits for ``timeout_s`` before it draws on without the answer, but not longer than
    ``PAGE_WAITS_S`` after it was begun: several questions on a page share that.
    """
    job = start(partial(ask, spec, timeout_s))
    if job is None:
        return None
    if not job.is_over:
        _wait_for(job, height)
        return None
    return cast("SnapshotT | None", outcome(job))


def watch_answer(
    spec: Spec[SnapshotT],
    draw: Callable[[SnapshotT], None],
    *,
    name: str,
    stop_key: str = "stop",
    first: Callable[[], None] | None = None,
) -> None:
    """Ask a longer question and draw what is known of its answer so far, with a stop button.

    The question that was drawn here before is dropped. What has failed or was stopped is asked
    again only where the visitor wishes it, or asks something else. ``first`` draws what is there
    before anything is known; the page then does not wait, and the progress stands below.
    """
    visit = the_visit()
    job = visit.jobs.get(name)
    if job is None or job.spec != spec:
        drop(job)
        job = _begin(spec, name, PAGE_WAITS_S if first is None else 0)
        if job is None:
            return
    draw_any = cast("Callable[[Snapshot], None]", draw)
    is_given_up = name in visit.given_up
    if not job.is_over and not is_given_up:
        _watch(job, draw_any, name, stop_key, first)
        return
    snapshot = visit.given_up[name] if is_given_up else outcome(job)
    if snapshot is not None:
        draw_any(snapshot)
    if is_given_up or job.state in (JobState.CANCELLED, JobState.FAILED):
        words = _("Try again") if job.state is JobState.FAILED else _("Go on")
        if st.button(words, key=f"again_{name}") and _begin(spec, name) is not None:
            st.rerun()


def draw_beside(name: str, draw: Callable[[SnapshotT], None], first: Callable[[], None]) -> None:
    """Draw in another place what is known of the answer that is watched under ``name``."""
    visit, draw_any = the_visit(), cast("Callable[[Snapshot], None]", draw)
    job = visit.jobs.get(name)
    if job is None:
        return
    is_awaited = not job.is_over and name not in visit.given_up

    def body() -> None:
        _draw(visit.given_up.get(name, job.snapshot), draw_any, first)

    st.fragment(body, run_every=POLL_S if is_awaited else None, key=f"beside_{name}")()


def ask(spec: Spec, timeout_s: float = PAGE_WAITS_S) -> Job:
    """Ask, and wait for as long as the page still may and its visitor wants nothing else."""
    visit, begun_at = the_visit(), time.monotonic()
    job = the_lab().jobs.ask(spec, visit.id, timeout_s=0)
    while not job.is_over:
        until = min(begun_at + timeout_s, visit.drawn_at + PAGE_WAITS_S)
        left_s = until - time.monotonic()
        if left_s <= 0:
            break
        job.wait(min(left_s, _LOOK_S))
        the_visit()  # here this run of the page ends if a newer one is wanted
    return job


def ask_ahead(specs: Iterable[Spec]) -> None:
    """Ask several short questions at once; ``answer`` then waits for each."""
    for spec in specs:
        if start(partial(ask, spec, 0)) is None:
            return


def follow(job: Job, name: str) -> None:
    """Make the job the question that is drawn under ``name``."""
    visit = the_visit()
    visit.jobs[name] = job
    visit.given_up.pop(name, None)


def drop(job: Job | None) -> None:
    """Stop a question that is under way, unless another visitor waits for its answer too."""
    if job is not None and not job.is_over:
        the_lab().jobs.leave(job, the_visit().id)


def start(begin: Callable[[], Job]) -> Job | None:
    """Begin a job; a refusal is shown in its own words."""
    try:
        return begin()
    except UserError as error:
        show_error(error)
        return None


def outcome(job: Job) -> Snapshot | None:
    """The last snapshot of a job that is over; a failure is shown in its own words."""
    if job.state is JobState.FAILED and job.error is not None:
        show_error(job.error)
        return None
    return job.snapshot


def share_done(job: Job) -> float:
    """How much of its steps a job has done, from 0 to 1."""
    snapshot = job.snapshot
    return min(snapshot.step / max(snapshot.steps, 1), 1.0) if snapshot is not None else 0.0


def _begin(spec: Spec, name: str, timeout_s: float = PAGE_WAITS_S) -> Job | None:
    job = start(partial(ask, spec, timeout_s))
    if job is not None:
        follow(job, name)
    return job


@st.fragment(run_every=POLL_S)
def _wait_for(job: Job, height: int) -> None:
    the_visit()
    if job.is_over:
        st.rerun()
    if height:
        st.skeleton(height)
    st.caption(_queue_words(job))


@st.fragment(run_every=POLL_S)
def _watch(
    job: Job,
    draw: Callable[[Snapshot], None],
    name: str,
    stop_key: str,
    first: Callable[[], None] | None,
) -> None:
    visit = the_visit()
    if job.is_over:
        st.rerun()
    progress, answered = st.container(), st.container()
    if first is not None:
        progress, answered = answered, progress
    snapshot = job.snapshot
    with progress, st.container(horizontal=True, vertical_alignment="center"):
        st.progress(share_done(job), text=_queue_words(job))
        if st.button(_("Stop"), key=stop_key, icon=":material/stop:"):
            drop(job)
            visit.given_up[name] = snapshot
            st.rerun()
    with answered:
        _draw(snapshot, draw, first)


def _draw(
    snapshot: Snapshot | None,
    draw: Callable[[Snapshot], None],
    first: Callable[[], None] | None,
) -> None:
    """Draw what is known; ``first`` as long as that is nothing."""
    if snapshot is not None:
        draw(snapshot)
    elif first is not None:
        first()


def _queue_words(job: Job) -> str:
    """Where a job stands before its first picture."""
    if job.state is JobState.QUEUED and job.position > 1:
        return _("Waiting: {count} ahead of you.").format(count=job.position - 1)
    return _("The network is thinking …")
