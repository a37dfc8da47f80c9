"""Charts of ideal images: all curves of one, or two curves of several."""

import math
from collections.abc import Sequence
from itertools import cycle

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from pages.shared.charts import GREY, draw, palette
from pages.shared.words import _, chart_text
from tl_core.specs import IdealSnapshot

_AXES = {
    "probability": "probability",
    "activation": "activation",
    "total_variation": "roughness",
}  # what has an axis of its own, and its title


CURVES_HEIGHT = 400  # pixels


def draw_curves(snapshot: IdealSnapshot, *, key: str) -> None:
    """Probability or activation, roughness, loss terms; a line where a control was moved."""
    if len(snapshot.history) < 2:
        return
    columns = columns_of(snapshot)
    steps = columns.pop("step")
    if math.isnan(snapshot.probability):  # a layer's goal
        del columns["probability"]
    rows = {n: row for row, n in enumerate([n for n in _AXES if n in columns], start=1)}
    last = len(rows) + any(name not in rows for name in columns)
    figure = make_subplots(rows=last, cols=1, shared_xaxes=True, vertical_spacing=0.07)
    for name, values in columns.items():
        largest = max(map(abs, values)) or 1.0
        figure.add_scatter(
            x=steps,
            y=[value / largest for value in values] if name not in rows else values,
            customdata=values,
            hovertemplate="%{customdata:.3g}",
            name=_(name.replace("_", " ")),
            row=rows.get(name, last),
            col=1,
        )
    _mark_moves(figure, snapshot)
    for name, row in rows.items():
        top = {"range": [0, 1.05]} if name == "probability" else {}
        figure.update_yaxes(title=_(_AXES[name]), row=row, col=1, **top)
    if last > len(rows):
        figure.update_yaxes(title=_("other terms"), showticklabels=False, row=last, col=1)
    figure.update_xaxes(title=_("step"), row=last, col=1)
    draw(
        figure,
        key=key,
        height=CURVES_HEIGHT,
        alt=_("Probability, total variation and loss terms by step"),
    )


def _mark_moves(figure: go.Figure, snapshot: IdealSnapshot) -> None:
    for step, control, value in snapshot.moves:
        figure.add_vline(x=step, line_dash="dot", line_color=palette()[GREY])
        figure.add_annotation(
            x=step, y=1, yref="paper", text=f"{control.replace('_', ' ')} {value:g}", textangle=-90
        )


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
    figure = make_subplots(rows=1, cols=2)
    for (label, snapshot), colour in zip(shown, cycle(palette()), strict=False):
        columns = columns_of(snapshot)
        for col, name in enumerate(names, start=1):
            figure.add_scatter(
                x=columns["step"],
                y=columns[name],
                name=chart_text(label),
                legendgroup=label,
                showlegend=col == 1,
                line_color=colour,
                row=1,
                col=col,
            )
    for col, name in enumerate(names, start=1):
        figure.update_yaxes(title=_(_AXES.get(name, name)), row=1, col=col)
        figure.update_xaxes(title=_("step"), row=1, col=col)
    draw(figure, key=key, height=300, alt=_("Probability and total variation of each by step"))
