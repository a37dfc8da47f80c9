"""Charts of ideal images: all curves of one, or two curves of several."""

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import cycle

import streamlit as st

from pages.shared.charts import GREY, Part, axis, draw, palette
from pages.shared.words import _, chart_text, number
from tl_core.lab import gettext_noop as N_
from tl_core.specs.ideal import IdealSnapshot

_AXES = {
    "probability": N_("probability"),
    "activation": N_("activation"),
    "total_variation": N_("total variation"),
}  # what has an axis of its own, and its title
_NAMES = _AXES | {
    "probability": N_("probability of the view"),
    "logit": N_("logit"),
    "cross_entropy": N_("cross-entropy"),
    "other_classes": N_("other classes"),
    "statistics": N_("batch-norm statistics"),
}
_CONTROLS = {
    "tv_weight": N_("TV weight"),
    "learning_rate": N_("learning rate"),
    "augmentation": N_("augmentation"),
    "mix": N_("mix"),
}
_HOVER = {True: "%{customdata:.1%}", False: "%{customdata:.3g}"}  # of a share; of others
_GAP = 0.15  # of an axis's height, between two of them
_HALVES = ([0, 0.45], [0.55, 1])

CURVE_HEIGHT, _OTHERS_HEIGHT = 190, 330  # pixels


def draw_curves(snapshot: IdealSnapshot, *, key: str) -> None:
    """Probability or activation; total variation and the loss terms one press further."""
    if len(snapshot.history) < 2:
        return
    columns = columns_of(snapshot)
    first = {"probability": columns.pop("probability")}
    if math.isnan(snapshot.probability):  # a layer's goal
        first = {"activation": columns.pop("activation")}
    steps = columns.pop("step")
    alt = _("Probability by step") if "probability" in first else _("Activation by step")
    _draw_rows(snapshot, steps, first, key=key, height=CURVE_HEIGHT, alt=alt)
    with st.expander(_("The other curves")):
        tv = _("total variation {tv:.3f}").format(tv=snapshot.total_variation)
        st.caption(tv)
        alt = _("Total variation and loss terms by step")
        _draw_rows(snapshot, steps, columns, key=f"{key}_rest", height=_OTHERS_HEIGHT, alt=alt)
        _explain_view([*first, *columns])


def _draw_rows(
    snapshot: IdealSnapshot,
    steps: Sequence[float],
    columns: Mapping[str, Sequence[float]],
    *,
    key: str,
    height: int,
    alt: str,
) -> None:
    """An axis for each of these that has its own, one for the rest; a line at a moved control."""
    rows = {n: row for row, n in enumerate([n for n in _AXES if n in columns], start=1)}
    last = len(rows) + any(name not in rows for name in columns)
    traces = []
    for name, values in columns.items():
        largest = max(map(abs, values)) or 1.0
        traces.append(
            {
                "type": "scatter",
                "x": steps,
                "y": values if name in rows else [value / largest for value in values],
                "customdata": values,
                "hovertemplate": _HOVER[name == "probability"],
                "name": _(_NAMES[name]),
                "yaxis": _name("y", rows.get(name, last)),
            }
        )
    layout = {"xaxis": axis(_("step"), anchor=_name("y", last))} | _marks(snapshot)
    for row in range(1, last + 1):
        bottom = 1 - row / last
        layout[_name("yaxis", row)] = axis(domain=[bottom, bottom + (1 - _GAP) / last])
    for name, row in rows.items():
        layout[_name("yaxis", row)] |= axis(_(_AXES[name]))
        if name == "probability":
            layout[_name("yaxis", row)] |= {"range": [0, 1.05], "tickformat": ".0%"}
    if last > len(rows):
        layout[_name("yaxis", last)] |= axis(_("loss terms"), showticklabels=False)
    draw(traces, layout, key=key, height=height, alt=alt)


def _name(axes: str, number: int) -> str:
    """What Plotly calls an axis: the first has no number."""
    return axes if number == 1 else f"{axes}{number}"


def _marks(snapshot: IdealSnapshot) -> Part:
    """A line for each moved control, and what it was set to."""
    line = {"dash": "dot", "color": palette()[GREY]}
    whole = {"yref": "paper", "y0": 0, "y1": 1, "line": line, "type": "line"}
    return {
        "shapes": [{**whole, "x0": step, "x1": step} for step, _control, _value in snapshot.moves],
        "annotations": [
            {
                "x": step,
                "y": 1,
                "yref": "paper",
                "text": _moved(control, value),
                "textangle": -90,
            }
            for step, control, value in snapshot.moves
        ],
    }


def _moved(control: str, value: float | None) -> str:
    to = _("as in the recipe") if value is None else number(value)
    return _("{control} {value}").format(control=_(_CONTROLS[control]), value=to)


def columns_of(snapshot: IdealSnapshot) -> dict[str, tuple[float, ...]]:
    """The history by the headings of its columns; an activation as it is, not as a loss."""
    columns = dict(zip(snapshot.columns, zip(*snapshot.history, strict=True), strict=True))
    if "activation" in columns:
        columns["activation"] = tuple(-loss for loss in columns["activation"])
    return columns


def compare_curves(shown: Sequence[tuple[str, IdealSnapshot]], *, key: str) -> None:
    """Probability (or activation) and total variation of several pictures."""
    shown = [(label, snapshot) for label, snapshot in shown if len(snapshot.history) > 1]
    if not shown:
        return
    is_layer = math.isnan(shown[0][1].probability)
    names = ["activation" if is_layer else "probability", "total_variation"]
    traces = []
    for (label, snapshot), colour in zip(shown, cycle(palette()), strict=False):
        columns = columns_of(snapshot)
        traces += [
            {
                "type": "scatter",
                "x": columns["step"],
                "y": columns[name],
                "name": chart_text(label),
                "legendgroup": label,
                "showlegend": col == 1,
                "line": {"color": colour},
                "xaxis": _name("x", col),
                "yaxis": _name("y", col),
            }
            for col, name in enumerate(names, start=1)
        ]
    layout = {}
    for col, name in enumerate(names, start=1):
        layout[_name("xaxis", col)] = axis(
            _("step"), domain=_HALVES[col - 1], anchor=_name("y", col)
        )
        layout[_name("yaxis", col)] = axis(_(_NAMES[name]), anchor=_name("x", col))
        if name == "probability":
            layout[_name("yaxis", col)]["tickformat"] = ".0%"
    alt = _("Probability and total variation of each, by step")
    draw(traces, layout, key=key, height=300, alt=alt)
    _explain_view(names)


def _explain_view(names: Collection[str]) -> None:
    """Why a curve differs from what is said of the picture at the same step."""
    if "probability" in names:
        words = _(
            "The view is the picture as the network sees it in that step: shifted, turned or "
            "noisy, depending on the recipe."
        )
        if "other_classes" in names:
            words += " " + _(
                "The loss also counts the logits of other classes, which should stay small, and "
                "how far each layer is from its batch-norm statistics."
            )
        st.caption(words)
