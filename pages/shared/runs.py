"""Long jobs of a page, one or several side by side: start, poll, pause, stop."""

import time
from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from pages.shared.live import drop, share_done, start
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, plain, show_error
from pages.state import Run
from tl_core.lab import JobState
from tl_core.specs import Spec

POLL_S = 0.5
STEPS = [10, 30, 64, 100, 128, 200, 256, 400, 512, 1024]  # of one picture, on every page
STOP_S = 2.0  # to wait for all that were stopped


def begin(name: str, title: str, specs: Sequence[tuple[str, Spec]]) -> None:
    """Submit specs as the page's run; what was running there is stopped first."""
    old = the_visit().runs.get(name)
    stopped = [job for _label, job in old.jobs] if old else []
    for job in stopped:
        drop(job)
    deadline = time.monotonic() + STOP_S
    for job in stopped:  # or they would still count as the visitor's runs
        job.wait(max(0.0, deadline - time.monotonic()))
    run = Run(title)
    for label, spec in specs:
        started = start(partial(the_lab().jobs.submit, spec, the_visit().id))
        if started is not None:
            run.jobs.append((label, started))
    the_visit().runs[name] = run


def current(name: str) -> Run | None:
    """The page's run, under way or over."""
    return the_visit().runs.get(name)


def update(name: str, **controls: object) -> None:
    """Change controls of the page's jobs that are not over."""
    run = current(name)
    for _label, job in run.jobs if run else []:
        if not job.is_over:
            job.update(**controls)


def panel(name: str, draw: Callable[[Run], None], *, is_main: bool = True) -> None:
    """Draw the page's run; while it is under way, again and again.

    The whole page is drawn anew whenever one of its jobs is over. Only the buttons of the page's
    main run are called ``pause`` and ``stop``; those of others carry the run's name.
    """
    run = current(name)
    if run is None or not run.jobs:
        return

    def body() -> None:
        the_visit()
        if run.over > was_over:
            st.rerun()
        _buttons(run, "" if is_main else f"_{name}")
        draw(run)
        for label, job in run.jobs:
            if job.state is JobState.FAILED and job.error is not None:
                st.caption(plain(label))
                show_error(job.error)

    was_over = run.over
    st.fragment(body, run_every=None if run.is_over else POLL_S)()


def _buttons(run: Run, suffix: str) -> None:
    if run.is_over:
        return
    done = sum(share_done(job) for _label, job in run.jobs) / len(run.jobs)
    waiting = [job for _label, job in run.jobs if job.state is JobState.QUEUED]
    text = plain(run.title)
    if waiting and len(waiting) == len(run.jobs):
        text = _("Waiting: {count} before you.").format(count=max(waiting[0].position - 1, 0))
    elif run.is_paused:
        text = _("{title}: paused").format(title=text)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(done, text=text)
        words, icon = _("Pause"), ":material/pause:"
        if run.is_paused:
            words, icon = _("Resume"), ":material/play_arrow:"
        st.button(words, key=f"pause{suffix}", icon=icon, on_click=_pause_or_resume, args=(run,))
        words, icon = _("Stop"), ":material/stop:"
        st.button(words, key=f"stop{suffix}", icon=icon, on_click=_stop, args=(run,))


def _pause_or_resume(run: Run) -> None:
    for _label, job in run.jobs:
        job.resume() if job.pause_requested else job.pause()


def _stop(run: Run) -> None:
    for _label, job in run.jobs:
        drop(job)
