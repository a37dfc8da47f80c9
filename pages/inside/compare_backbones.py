"""All backbones compared: a table, answers to one photograph, accuracy against cost."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from pages.shared.charts import draw
from pages.shared.choose_backbone import megabytes
from pages.shared.live import answer
from pages.shared.visit import the_lab
from pages.shared.words import _
from tl_core.lab import BackboneRow, BackboneStatus
from tl_core.specs import Classify

_TICKS = [0.2, 0.5, 1, 2, 5, 10, 20]  # GFLOPs


def table(statuses: Sequence[BackboneStatus]) -> None:
    """One line per backbone; a click on it makes that backbone the visit's."""

    def take_row() -> None:
        rows = st.session_state.backbone_table.selection.rows
        if rows:
            st.session_state.backbone = statuses[rows[0]].row.key

    st.dataframe(
        [_line(status) for status in statuses],
        hide_index=True,
        key="backbone_table",
        on_select=take_row,
        selection_mode="single-row",
        column_config={
            _("Backbone"): st.column_config.TextColumn(pinned=True),
            _("Top-1"): st.column_config.NumberColumn(
                format="%.1f %%", help=_("Share of ImageNet's test photographs it gets right")
            ),
            _("Parameters"): st.column_config.NumberColumn(format="%.1f M"),
            _("GFLOPs"): st.column_config.NumberColumn(
                format="%.2f", help=_("Billions of multiply-adds for one photograph")
            ),
            _("Weights"): st.column_config.TextColumn(help=_("Size of the file")),
            _("Year"): st.column_config.NumberColumn(format="%d"),
        },
    )


def _line(status: BackboneStatus) -> dict[str, object]:
    row = status.row
    return {
        _("Backbone"): row.label,
        _("State"): _(status.state.value),
        _("Top-1"): row.top1,
        _("GFLOPs"): row.gflops,
        _("Parameters"): row.parameters_m,
        _("Weights"): megabytes(row.source.size_mb),
        _("Family"): row.family,
        _("Year"): row.year,
        _("When to choose it"): _(row.advice),
    }


def answers(photo: str) -> None:
    """Every ready backbone's answer to the same photograph."""
    lines = []
    for row in the_lab().backbones.ready():
        result = answer(Classify(backbone=row.key, photo=photo))
        if result is not None:
            line = {
                _("Backbone"): row.label,
                _("Answer"): result.answers[0].label,
                _("Confidence"): 100 * result.answers[0].probability,
                _("Milliseconds"): result.milliseconds,
            }
            lines.append(line)
    percent = st.column_config.ProgressColumn(format="%.1f %%", min_value=0, max_value=100)
    whole = st.column_config.NumberColumn(format="%.0f")
    columns = {_("Confidence"): percent, _("Milliseconds"): whole}
    st.dataframe(lines, hide_index=True, column_config=columns)


def accuracy_and_cost(statuses: Sequence[BackboneStatus], chosen: BackboneRow) -> None:
    """A dot per backbone, as large as it has parameters; the chosen one ringed."""
    figure = go.Figure()
    for family in dict.fromkeys(status.row.family for status in statuses):
        rows = [status.row for status in statuses if status.row.family == family]
        figure.add_scatter(
            x=[row.gflops for row in rows],
            y=[row.top1 for row in rows],
            text=[row.label for row in rows],
            customdata=[row.parameters_m for row in rows],
            mode="markers",
            name=family,
            marker={
                "size": [10 + 4 * row.parameters_m**0.5 for row in rows],
                "opacity": 0.8,
                "line": {"width": [4 if row == chosen else 0 for row in rows]},
            },
            hovertemplate="<b>%{text}</b><br>%{y:.1f} %<br>%{x:.2f} GFLOPs<br>"
            "%{customdata:.1f} M<extra></extra>",
        )
    if any(status.row == chosen for status in statuses):  # raw pixels are no row of the table
        x, text = math.log10(chosen.gflops), f"<b>{chosen.label}</b>"
        figure.add_annotation(x=x, y=chosen.top1, text=text, ay=-45, ax=0)
    figure.update_xaxes(
        type="log",
        title=_("GFLOPs for one photograph"),
        tickvals=_TICKS,
        ticktext=[f"{tick:g}" for tick in _TICKS],
    )
    figure.update_yaxes(title=_("ImageNet top-1, %"), range=[68.5, 79.5])
    words = _("ImageNet accuracy of every backbone against the work of one look.")
    draw(figure, key="scatter", height=420, alt=words)
