"""A training run as it goes: curves on shared axes, and the figures of each way."""

import html
from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from pages.shared.charts import draw, palette
from pages.shared.words import _
from pages.state import Run
from tl_core.lab import Job, JobState
from tl_core.specs import MODES, FineTuneSnapshot

WAYS = {row.key: row.label for row in MODES}
TOP3_FROM = 6  # classes; with fewer, three guesses say little
_AXES = {"loss": "Loss: how wrong it is", "accuracy": "Accuracy: how often it is right"}
_ENDINGS = {
    JobState.QUEUED: "waiting",
    JobState.PAUSED: "paused",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "stopped",
}


def draw_run(run: Run) -> None:
    """Loss and accuracy of every way, drawn as they are measured, and a line of figures each."""
    shown = [snapshot for _label, job in run.jobs if (snapshot := snapshot_of(job))]
    draw_axes(shown)
    _figures(run)


def draw_axes(shown: Sequence[FineTuneSnapshot] = ()) -> None:
    """The two charts; drawn empty before a run, they have reached the browser when it starts."""
    if len(shown) > 1:
        _legend([snapshot.mode for snapshot in shown])
    for column, (what, title) in zip(st.columns(2), _AXES.items(), strict=True):
        with column:
            st.markdown(f"**{_(title)}**")
            _curves(shown, what)
    st.caption(
        _(
            "Solid with dots: on photographs it never learns from. Dotted: on those it is learning "
            "from. Where the two part, it is learning by heart."
        )
    )


def snapshot_of(job: Job) -> FineTuneSnapshot | None:
    """The newest snapshot of a job, once it has one."""
    return job.snapshot if isinstance(job.snapshot, FineTuneSnapshot) else None


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def interval_words(interval: tuple[float, float]) -> str:
    low, high = (100 * bound for bound in interval)
    return f"{low:.1f} – {high:.1f} %"


def _curves(shown: Sequence[FineTuneSnapshot], what: str) -> None:
    scale = 100 if what == "accuracy" else 1
    figure = go.Figure()
    for snapshot in shown:
        colour = _colours()[snapshot.mode]
        figure.add_scatter(
            x=[point.epoch for point in snapshot.curve],
            y=[scale * getattr(point, what) for point in snapshot.curve],
            mode="lines",
            line={"color": colour, "dash": "dot", "width": 1.5},
            opacity=0.7,
            name=_("{way}, training").format(way=_(WAYS[snapshot.mode])),
        )
        figure.add_scatter(
            x=[point.epoch for point in snapshot.epochs],
            y=[scale * getattr(point, f"validation_{what}") for point in snapshot.epochs],
            mode="lines+markers",
            line={"color": colour, "width": 2.5},
            name=_(WAYS[snapshot.mode]),
        )
    empty_range = None if any(snapshot.curve for snapshot in shown) else [0, 1]
    figure.update_xaxes(title=_("epoch"), rangemode="tozero", range=empty_range)
    if what == "accuracy":
        figure.update_yaxes(range=[0, 103], ticksuffix=" %")
    else:
        figure.update_yaxes(rangemode="tozero", range=empty_range)
    figure.update_layout(uirevision="same", showlegend=False)
    alt = _("{what} by epoch, for training and validation").format(what=_(what).capitalize())
    draw(figure, key=f"curve_{what}", height=320, alt=alt)


def _colours() -> dict[str, str]:
    """The colour of each way, by its key."""
    return dict(zip(WAYS, palette(), strict=False))


def _legend(modes: list[str]) -> None:
    """The colours of the ways, for both charts."""
    colours = _colours()
    ways = (
        f'<span style="white-space:nowrap"><b style="color:{colours[mode]}">●</b> '
        f"{html.escape(_(WAYS[mode]))}</span>"
        for mode in modes
    )
    st.html(f'<div style="display:flex;flex-wrap:wrap;gap:0 1.2rem">{" ".join(ways)}</div>')


def _figures(run: Run) -> None:
    lines = [_line(label, job) for label, job in run.jobs]
    if not any(line[_("Top-3")] for line in lines):
        for line in lines:
            del line[_("Top-3")]
    speed = _(
        "In the latest phase. A head on kept features sees thousands a second; a network that "
        "looks at every photograph again a few dozen."
    )
    columns = {
        _("Now"): st.column_config.TextColumn(width="medium"),
        _("Photographs a second"): st.column_config.TextColumn(help=speed),
    }
    st.dataframe(lines, hide_index=True, key="ways", column_config=columns)


def _line(label: str, job: Job) -> dict[str, str]:
    """One way's figures, as far as they are known."""
    snapshot = snapshot_of(job) or FineTuneSnapshot(phase="")
    accuracy = interval = top3 = ""
    if snapshot.result:
        accuracy = percent(snapshot.result.accuracy)
        interval = interval_words(snapshot.result.interval)
        if len(snapshot.classes) >= TOP3_FROM:
            top3 = percent(snapshot.result.top3)
    elif snapshot.epochs:
        accuracy = percent(snapshot.epochs[-1].validation_accuracy)
    return {
        _("Way"): label,
        _("Accuracy"): accuracy,
        _("Now"): _now(job, snapshot),
        _("95 % interval"): interval,
        _("Top-3"): top3,
        _("It learned"): _known(snapshot.trainable_parameters),
        _("of parameters"): _known(snapshot.total_parameters),
        _("Seconds"): _known(snapshot.seconds, ",.1f"),
        _("Photographs a second"): _known(snapshot.photographs_per_s, ",.0f"),
    }


def _known(figure: float, form: str = ",") -> str:
    """The figure as text; empty while it is 0, which is not known yet."""
    return f"{figure:{form}}" if figure else ""


def _now(job: Job, snapshot: FineTuneSnapshot) -> str:
    if job.state in _ENDINGS:
        return _(_ENDINGS[job.state])
    if snapshot.result and snapshot.result.is_head_alone:
        unfrozen = snapshot.result.unfrozen_accuracy
        reached = "–" if unfrozen is None else percent(unfrozen)
        return _("done: head kept, unfrozen {reached}").format(reached=reached)
    if snapshot.phase == "done" or not snapshot.seconds_left:
        return _(snapshot.phase)
    return f"{_(snapshot.phase)}, {snapshot.seconds_left:.0f} s"
