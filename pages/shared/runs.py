"""Long jobs of a page, one or several side by side: start, pause, stop, and what polls them."""

import time
from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from pages.shared.live import drop, share_done, start
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, plain, show_error
from pages.visit.state import Run
from tl_core.lab import Job, JobState
from tl_core.specs.base import Spec

_TAKEN_S = 1.0  # within which a run that has room begins: no word of waiting comes and goes
_WANTED_S = 30.0  # for which a press on Start counts, where the page was broken off meanwhile
OPENED_OVER = "opened_over"  # in the session: whether a link came while an older visit went on
_CHART_POLLS = 5  # a chart says little new in half a second
STEPS = [10, 30, 64, 100, 128, 200, 256, 400, 512, 1024]  # of one picture, on every page


def start_or_stop(
    name: str,
    begin_run: Callable[[], bool],
    *,
    is_ready: bool = True,
    is_loud: bool = True,
    label: str = "",
    suffix: str = "",
) -> None:
    """Draw the button that begins the page's run; while that is under way, pause and stop instead.

    ``begin_run`` returns whether it has begun. The button is coloured where it
    ``is_loud``. Of a page's second run the keys of the buttons end in ``suffix``, and they have no
    shortcuts.
    """
    run, key, visit = current(name), f"start{suffix}", the_visit()
    if run is not None:
        run.drawn_over = run.over
        if run.drawn_over < len(run.jobs):
            visit.wanted.pop(key, None)
            _pause_and_stop(run, suffix)
            return
    st.button(
        label or _("Start"),
        key=key,
        type="primary" if is_loud and not suffix else "secondary",
        icon=":material/play_arrow:",
        width="stretch",
        disabled=not is_ready,
        shortcut=None if suffix else "Alt+S",
        on_click=want,
        args=(name, key),
    )
    # Not what the button returns: a run of the page that a newer one breaks off would forget it
    is_wanted = time.monotonic() < visit.wanted.get(key, 0.0) + _WANTED_S
    has_begun = is_wanted and is_ready and begin_run()
    visit.wanted.pop(key, None)
    if has_begun:
        st.rerun()


def want(name: str, key: str = "start") -> None:
    """Note a press on Start, or on what stands for it.

    Where the run is under way by now, it was one press too many.
    """
    run = current(name)
    if run is None or run.is_over:
        the_visit().wanted[key] = time.monotonic()


def begin(name: str, specs: Sequence[tuple[str, Spec]]) -> bool:
    """Submit specs as the page's run, which takes the place of one that is over.

    Returns whether any was accepted; a refusal is shown.
    """
    visit, run = the_visit(), Run()
    for label, spec in specs:
        started = start(partial(the_lab().jobs.submit, spec, visit.id))
        if started is not None:
            run.jobs.append((label, started))
    visit.runs[name] = run
    return bool(run.jobs)


def current(name: str) -> Run | None:
    """The page's run, under way or over."""
    return the_visit().runs.get(name)


def is_about(run: Run, spec: Spec, *fields: str) -> bool:
    """Whether the run is under way, or has ended on what ``spec`` asks for in these fields.

    A run that has ended since the page drew its buttons counts as under way: what polls it must be
    drawn, or Pause and Stop would stand there for good.
    """
    ran = run.jobs[0][1].spec if run.jobs else None
    return run.drawn_over < len(run.jobs) or all(
        getattr(ran, name, None) == getattr(spec, name) for name in fields
    )


def pass_on(name: str, control: str, key: str = "") -> None:
    """Let a moved widget act on the page's jobs; its key is the control's name where none is given.

    For callbacks: where an older visit has just taken this one's place, the widget has no value.
    """
    key, run = key or control, current(name)
    for _label, job in run.jobs if run and key in st.session_state else []:
        if not job.is_over:
            job.update(**{control: st.session_state[key]})


def live(name: str, draw: Callable[[Run], None]) -> None:
    """Draw the page's run and how far it is; while it is under way, again and again.

    The whole page is drawn anew whenever one of its jobs is over, also if it ended while the page
    was drawn, or it is to be looked at more or less often.
    """
    run = current(name)
    if run is None or not run.jobs:
        return

    def body() -> None:
        the_visit()
        wished_s = the_lab().jobs.poll_s()
        if run.over > run.drawn_over or every_s < wished_s or every_s >= 4 * wished_s:
            run.drawn_over = run.over
            st.rerun()
        draw(run)
        if not run.is_over:
            _progress(run)
        for label, job in run.jobs:
            if job.state is JobState.FAILED and job.error is not None:
                st.caption(plain(label))
                show_error(job.error)

    every_s = the_lab().jobs.poll_s()
    st.fragment(body, run_every=None if run.is_over else every_s)()


def charts(name: str, draw: Callable[[Run], None], *, place: str = "charts") -> None:
    """Draw the charts of the page's run; while it is under way, every few polls."""
    run = current(name)
    if run is not None and run.jobs:
        body, every_s = partial(draw, run), _CHART_POLLS * the_lab().jobs.poll_s()
        st.fragment(body, run_every=None if run.is_over else every_s, key=f"{place}_{name}")()


def _progress(run: Run) -> None:
    jobs = [job for _label, job in run.jobs]
    done = sum(map(share_done, jobs)) / len(jobs)
    latest = time.monotonic() - _TAKEN_S
    text = None
    if all(job.state is JobState.QUEUED and job.submitted_at < latest for job in jobs):
        text = _waiting(run, jobs[0])
    elif run.is_paused:
        text = _("Paused")
    st.progress(done, text=text)


def _waiting(run: Run, job: Job) -> str:
    """Where a queued run stands, and about how long it waits."""
    if job.position <= 1:
        return _("You're next. Meanwhile, you can use the other pages.")
    seconds = run.wait.seconds(the_lab().jobs.wait_s(job))
    words = _(
        "Waiting: {count} ahead of you, about {seconds} s. Meanwhile, you can use the other pages."
    )
    return words.format(count=job.position - 1, seconds=seconds)


def _pause_and_stop(run: Run, suffix: str) -> None:
    words, icon = _("Pause"), ":material/pause:"
    if run.is_paused:
        words, icon = _("Resume"), ":material/play_arrow:"
    with st.container(horizontal=True, gap="small"):
        st.button(
            words,
            key=f"pause{suffix}",
            icon=icon,
            width="stretch",
            on_click=_pause_or_resume,
            args=(run,),
            shortcut=None if suffix else "Alt+P",
        )
        st.button(
            _("Stop"),
            key=f"stop{suffix}",
            icon=":material/stop:",
            width="stretch",
            on_click=stop,
            args=(run,),
            shortcut=None if suffix else "Alt+X",
        )


def offer_the_link(names: set[str]) -> None:
    """Where a link has opened the page over its run under way, say so, and offer to end that."""
    under_way = [name for name in names if (run := current(name)) and not run.is_over]
    if not under_way or not st.session_state.get(OPENED_OVER):
        st.session_state[OPENED_OVER] = False
        return
    with st.container(horizontal=True, vertical_alignment="center", key="still_running"):
        st.markdown(_("Your last run is still going here."), width="content")
        words = _("Stop it and open the link")
        st.button(words, key="open_link", on_click=_give_way, args=(under_way,))


def _give_way(names: Sequence[str]) -> None:
    for name in names:
        stop(the_visit().runs.pop(name))


def _pause_or_resume(run: Run) -> None:
    for _label, job in run.jobs:
        job.resume() if job.pause_requested else job.pause()


def stop(run: Run) -> None:
    """Give up all that is under way of it."""
    for _label, job in run.jobs:
        drop(job)
