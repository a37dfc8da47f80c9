"""The figures of a training run: a line for each mode, and all of them in a table."""

import html

import streamlit as st

from pages.shared.table import table
from pages.shared.words import _, number, percent
from pages.training.modes import TOP3_FROM, Line, interval_words, lines_of, snapshot_of
from pages.visit.state import Run
from tl_core.lab import Job, JobState
from tl_core.lab import gettext_noop as N_
from tl_core.specs.training import FineTuneSnapshot

_ENDINGS = {
    JobState.QUEUED: N_("waiting"),
    JobState.PAUSED: N_("paused"),
    JobState.FAILED: N_("failed"),
    JobState.CANCELLED: N_("stopped"),
}


def draw_figures(run: Run) -> None:
    """Each mode's accuracy and what it does now; the colour is that of its curve."""
    runs = lines_of(run)
    lines = [_line(one.name, one.job) for one in runs]
    shown = "".join(_row(one, line) for one, line in zip(runs, lines, strict=True))
    st.html(f'<div class="ways">{shown}</div>')
    with st.expander(_("All figures")):
        _table(lines)


def _row(run: Line, line: dict[str, str]) -> str:
    """One run in HTML: a dot of its colour, its name, its accuracy, what it does."""
    interval = line[_("95 % confidence interval")]
    if interval:
        interval = _("95 % confidence interval {interval}").format(interval=interval)
    parts = [interval, line[_("Now")]]
    details = html.escape(" · ".join(part for part in parts if part))
    return (
        f'<div><b style="color:{run.colour}">●</b> {html.escape(run.name)} '
        f"<b>{line[_('Accuracy')]}</b> <span>{details}</span></div>"
    )


def _table(lines: list[dict[str, str]]) -> None:
    if not any(line[_("Top-3")] for line in lines):
        for line in lines:
            del line[_("Top-3")]
    speed = _(
        "The speed of the latest phase. A head on features computed once gets through thousands "
        "of photographs a second; a network that processes each one every time, a few dozen."
    )
    columns = {
        _("Now"): st.column_config.TextColumn(width="medium"),
        _("Photographs a second"): st.column_config.TextColumn(help=speed),
    }
    table(lines, key="ways", columns=columns)


def _line(label: str, job: Job) -> dict[str, str]:
    """One mode's figures, as far as they are known."""
    snapshot = snapshot_of(job) or FineTuneSnapshot(phase="")
    accuracy = interval = top3 = ""
    if snapshot.result and snapshot.result.is_measured:
        accuracy = percent(snapshot.result.accuracy)
        interval = interval_words(snapshot.result.interval)
        if len(snapshot.classes) >= TOP3_FROM:
            top3 = percent(snapshot.result.top3)
    elif snapshot.epochs and snapshot.validation_photographs:
        accuracy = percent(snapshot.epochs[-1].validation_accuracy)
    return {
        _("Method"): label,
        _("Accuracy"): accuracy,
        _("Now"): _now(job, snapshot),
        _("95 % confidence interval"): interval,
        _("Top-3"): top3,
        _("Trained parameters"): _known(snapshot.trainable_parameters),
        _("Total parameters"): _known(snapshot.total_parameters),
        _("Seconds"): _known(snapshot.seconds, ",.1f"),
        _("Photographs a second"): _known(snapshot.photographs_per_s, ",.0f"),
    }


def _known(figure: float, form: str = ",") -> str:
    """The figure as text; empty while it is 0, which is not known yet."""
    return number(figure, form) if figure else ""


def _now(job: Job, snapshot: FineTuneSnapshot) -> str:
    if job.state in _ENDINGS:
        return _(_ENDINGS[job.state])
    if snapshot.result and snapshot.result.is_head_alone:
        unfrozen = snapshot.result.unfrozen_accuracy
        reached = "–" if unfrozen is None else percent(unfrozen)
        return _("done: head kept, fine-tuned {reached}").format(reached=reached)
    if snapshot.phase == "done" or not snapshot.seconds_left:
        return _(snapshot.phase)
    return _("{phase}, {seconds:.0f} s left").format(
        phase=_(snapshot.phase), seconds=snapshot.seconds_left
    )
