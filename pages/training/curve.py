"""The curve of a training run, accuracy or loss by epoch, of every mode on the same axes."""

from collections.abc import Sequence

import streamlit as st

from pages.shared.charts import GREY, Part, axis, draw, palette
from pages.shared.choose_one import choose_one
from pages.shared.measured_examples import measured_examples
from pages.shared.words import _
from pages.training.modes import Line, lines_of, snapshot_of
from pages.visit.state import Run
from tl_core.lab import gettext_noop as N_
from tl_core.specs.training import FineTuneSnapshot, mode_row

EXPLANATION = N_(
    "Solid line with dots: validation photographs, which it never learns from. Dotted line: "
    "training photographs. If the dotted line keeps improving while the solid one gets worse, "
    "it's overfitting: learning by heart."
)
_EXAMPLE = N_("Example, {photographs} cats and dogs: pretrained above, from scratch below")
_CURVES = {"accuracy": N_("Accuracy"), "loss": N_("Loss")}
_AXES = {"accuracy": N_("how often it is right"), "loss": N_("how wrong it is")}
Measured = tuple[Line, FineTuneSnapshot]
_HEIGHT = 220  # pixels; on a phone it leaves room for the controls


def choose_curve() -> None:
    """Which of the two curves is drawn."""
    choose_one(_("Curve"), _CURVES, key="curve", default="accuracy", is_labelled=False)


def draw_curve(run: Run) -> None:
    """The chosen curve of every run, as far as it is measured."""
    draw_axes([(line, found) for line in lines_of(run) if (found := snapshot_of(line.job))])


def draw_axes(shown: Sequence[Measured] = ()) -> None:
    """The chart; drawn with an example before a run, it is in the browser when that starts."""
    what = str(st.session_state.curve)
    traces = [
        trace
        for place, (line, snapshot) in enumerate(shown, start=1)
        for trace in _of_run(line, snapshot, what, width=2.5 + 2 * (len(shown) - place))
    ]
    unfrozen_at = {_heads(snapshot) for _line, snapshot in shown} - {0}
    shapes = [_unfreezing(epoch) for epoch in sorted(unfrozen_at)]
    layout: Part = {"uirevision": "same", "showlegend": False, "shapes": shapes}
    empty_range = None if any(snapshot.curve for _line, snapshot in shown) else [0, 1]
    if not shown and what == "accuracy":
        examples, empty_range = _example()
        traces += examples
    ticks = {"dtick": 10} if not shown else {}
    layout["xaxis"] = axis(_("epoch"), rangemode="tozero", range=empty_range, **ticks)
    if what == "accuracy":
        layout["yaxis"] = axis(_(_AXES[what]), range=[0, 103], ticksuffix=" %")
    else:
        layout["yaxis"] = axis(_(_AXES[what]), rangemode="tozero", range=empty_range)
    alt = _alt(shown, what)
    draw(traces, layout, key=f"curve_{what}", height=_HEIGHT, alt=alt, is_stretched=True)
    if not shown and what == "accuracy":
        st.caption(_(_EXAMPLE).format(**measured_examples()["training"]))


def _of_run(line: Line, snapshot: FineTuneSnapshot, what: str, *, width: float) -> list[Part]:
    """A dotted line for what it learns from, a solid one with dots for what it never does.

    The first of several is the widest, and so is seen where a later one lies on it.
    """
    scale = 100 if what == "accuracy" else 1
    label, colour = line.name, line.colour
    learned = {
        "type": "scatter",
        "x": [point.epoch for point in snapshot.curve],
        "y": [scale * getattr(point, what) for point in snapshot.curve],
        "mode": "lines",
        "line": {"color": colour, "dash": "dot", "width": 1.5},
        "opacity": 0.7,
        "name": _("{way}, training").format(way=label),
    }
    tested = {
        "type": "scatter",
        "x": [point.epoch for point in snapshot.epochs],
        "y": [scale * getattr(point, f"validation_{what}") for point in snapshot.epochs],
        "mode": "lines+markers",
        "line": {"color": colour, "width": width},
        "name": label,
    }
    return [learned, tested]


def _heads(snapshot: FineTuneSnapshot) -> int:
    """The epochs in which the head learned alone before the network did; 0 if that never did."""
    parts = [point.part for point in snapshot.epochs]
    return parts.count("head") if "network" in parts else 0


def _unfreezing(epoch: int) -> Part:
    """A line where frozen layers begin to learn, too, which first costs accuracy."""
    place = {"x0": epoch, "x1": epoch, "y0": 0, "y1": 1, "yref": "paper"}
    words = {"text": _("unfrozen"), "textangle": 0, "textposition": "start", "xanchor": "right"}
    dots = {"dash": "dot", "width": 1, "color": palette()[GREY]}
    return {"type": "line", **place, "line": dots, "label": words}


def _example() -> tuple[list[Part], list[int]]:
    """Curves that were measured before, and the range of their epochs."""
    found = measured_examples()["training"]
    epochs = list(range(1, 1 + len(found["pretrained"])))
    traces = [
        {
            "type": "scatter",
            "x": epochs,
            "y": [100 * share for share in found[start]],
            "mode": "lines",
            "line": {"color": palette()[GREY]},
            "name": _(mode_row(mode).label),
        }
        for start, mode in (("pretrained", "head"), ("scratch", "scratch"))
    ]
    return traces, [0, epochs[-1]]


def _alt(shown: Sequence[Measured], what: str) -> str:
    """What the chart shows, with its newest figures."""
    words = _("Loss by epoch, for training and validation.")
    if what == "accuracy":
        words = _("Accuracy by epoch, for training and validation.")
    if not any(snapshot.epochs for _line, snapshot in shown):
        until = _("Empty until training starts.")
        if what == "accuracy":
            until = _("An example until training starts.")
        return f"{words} {until}"
    figures = [
        _("{way}: {value:.2f} after {epoch} epochs").format(
            way=line.name,
            value=getattr(snapshot.epochs[-1], f"validation_{what}"),
            epoch=snapshot.epochs[-1].epoch,
        )
        for line, snapshot in shown
        if snapshot.epochs
    ]
    return f"{words} {'; '.join(figures)}"
