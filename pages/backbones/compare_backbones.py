"""All backbones compared: their answers to one photograph, accuracy against cost."""

from collections.abc import Mapping, Sequence

import streamlit as st

from pages.shared.charts import axis, draw
from pages.shared.live import answer
from pages.shared.visit import the_lab
from pages.shared.words import _, class_name, number, percent
from pages.visit.state import Outcome
from tl_core.lab import BackboneRow, BackboneStatus
from tl_core.specs.classify import Classification, Classify

_TICKS = [0.2, 0.5, 1, 2, 5, 10, 20]  # GFLOPs
_ROW = 30  # pixels, of one network's answer
_HEADER = 37  # pixels
_SHOWN = 5  # answers at once; the others are scrolled to


def other_answers(photo: str, chosen: str) -> dict[str, Classification]:
    """Draw what the other ready backbones say of the photograph; return it, by their keys."""
    place, lines, said = st.container(key="other_answers"), [], []
    answers = {}
    for row in the_lab().backbones.ready():
        found = None
        if row.key != chosen:
            found = answer(Classify(backbone=row.key, photo=photo), height=_ROW)
        if found is not None:
            answers[row.key] = found
            label = class_name(found.answers[0].label)
            line = {
                _("Backbone"): row.label,
                _("Answer"): label,
                _("Probability"): 100 * found.answers[0].probability,
                _("ms"): the_lab().jobs.look_ms(row.key),
            }
            lines.append(line)
            said.append(f"{row.label}: {label}, {percent(found.answers[0].probability)}")
    if not lines:
        return answers
    column = st.column_config
    place.dataframe(
        lines,
        hide_index=True,
        row_height=_ROW,
        height=_HEADER + _ROW * min(len(lines), _SHOWN),
        column_config={
            _("Probability"): column.ProgressColumn(format="%.1f %%", min_value=0, max_value=100),
            _("ms"): column.NumberColumn(
                format="%.0f",
                help=_("Inference time on this server, in milliseconds per photograph"),
            ),
        },
        alt=" · ".join(said),
    )
    return answers


def surest(found: Mapping[str, Classification], photo: str) -> Outcome | None:
    """Whether the largest or the smallest of the networks was surer of the photograph."""
    rows = [row for row in the_lab().backbones.ready() if row.key in found]
    if len(rows) < 2:
        return None
    small, big = min(rows, key=lambda row: row.gflops), max(rows, key=lambda row: row.gflops)
    percent = [100 * found[row.key].answers[0].probability for row in (big, small)]
    figures = {"big": big.label, "small": small.label, "photo": photo}
    return Outcome(
        about=photo,
        answer="big" if percent[0] > percent[1] else "small",
        figures={**figures, "big_percent": percent[0], "small_percent": percent[1]},
    )


def accuracy_and_cost(statuses: Sequence[BackboneStatus], chosen: BackboneRow) -> None:
    """A dot per backbone, as large as it has parameters; the chosen one stands out."""
    traces = []
    for family in dict.fromkeys(status.row.family for status in statuses):
        rows = [status.row for status in statuses if status.row.family == family]
        names = [f"<b>{row.label}</b>" if row == chosen else row.label for row in rows]
        traces.append(
            {
                "type": "scatter",
                "x": [row.gflops for row in rows],
                "y": [row.top1 for row in rows],
                "text": names,
                "textposition": [_beside(row, rows) for row in rows],
                "customdata": [row.parameters_m for row in rows],
                "mode": "markers+text",
                "name": family,
                "marker": {
                    "size": [10 + 4 * row.parameters_m**0.5 for row in rows],
                    "opacity": [1 if row == chosen else 0.5 for row in rows],
                },
                "hovertemplate": "<b>%{text}</b><br>%{y:.1f} %<br>%{x:.2f} GFLOPs<br>"
                "%{customdata:.1f} M<extra></extra>",
            }
        )
    ticks = {"tickvals": _TICKS, "ticktext": [number(tick) for tick in _TICKS]}
    layout = {
        "xaxis": axis(
            _("GFLOPs: billions of multiply-adds for one photograph"), type="log", **ticks
        ),
        "yaxis": axis(_("ImageNet top-1, %"), range=[68, 79.5]),
    }
    draw(traces, layout, key="scatter", height=480, alt=_in_words(statuses))


def _beside(row: BackboneRow, family: Sequence[BackboneRow]) -> str:
    """Where the name stands: right of the dot, unless that is at the chart's right edge."""
    if row.gflops < _TICKS[-2]:
        return "middle right"
    return "bottom center" if row == family[0] else "top center"


def _in_words(statuses: Sequence[BackboneStatus]) -> str:
    words = _("{label} {top1:.1f} % at {gflops:.2f} GFLOPs")
    rows = [status.row for status in statuses]
    found = [words.format(label=row.label, top1=row.top1, gflops=row.gflops) for row in rows]
    return _("ImageNet accuracy against computation per image: {list}").format(
        list=", ".join(found)
    )
