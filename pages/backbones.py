"""The Backbones page: compare pretrained networks, pick one, ask it what a photograph shows."""

import math

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.shared.charts import answer_bars, draw
from pages.shared.choose_backbone import choose_backbone, label_of, megabytes
from pages.shared.choose_photo import choose_photo, credit, photo_label
from pages.shared.frame import header
from pages.shared.live import answer
from pages.shared.sitemap import BACKBONES
from pages.shared.visit import the_lab
from pages.shared.words import _, lesson, plain
from tl_core.lab import BackboneRow, BackboneState, BackboneStatus
from tl_core.specs import Classify

header(BACKBONES, "backbones")

found = the_lab().backbones()
shown = [status for status in found if status.state is not BackboneState.TOO_LARGE]


def table(statuses: list[BackboneStatus]) -> pd.DataFrame:
    """One line per backbone, as the visitor reads it."""
    return pd.DataFrame(
        [
            {
                _("Backbone"): status.row.label,
                _("State"): _(status.state.value),
                _("Top-1"): status.row.top1,
                _("GFLOPs"): status.row.gflops,
                _("Parameters"): status.row.parameters_m,
                _("Weights"): megabytes(status.row.source.size_mb),
                _("Family"): status.row.family,
                _("Year"): status.row.year,
                _("When to choose it"): _(status.row.advice),
            }
            for status in statuses
        ]
    )


def take_row() -> None:
    """Make the clicked row the visit's backbone."""
    rows = st.session_state.backbone_table.selection.rows
    if rows:
        st.session_state.backbone = shown[rows[0]].row.key


def scatter(statuses: list[BackboneStatus], chosen: BackboneRow) -> go.Figure:
    """Accuracy against cost; the chosen one ringed."""
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
        figure.add_annotation(
            x=math.log10(chosen.gflops), y=chosen.top1, text=f"<b>{chosen.label}</b>", ay=-45, ax=0
        )
    ticks = [0.2, 0.5, 1, 2, 5, 10, 20]
    figure.update_xaxes(
        type="log",
        title=_("GFLOPs for one photograph"),
        tickvals=ticks,
        ticktext=[f"{tick:g}" for tick in ticks],
    )
    figure.update_yaxes(title=_("ImageNet top-1, %"), range=[68.5, 79.5])
    return figure


def side_by_side(photo: str) -> None:
    """Every ready backbone's answer to the same photograph."""
    lines = []
    for row in the_lab().ready_backbones():
        result = answer(Classify(backbone=row.key, photo=photo))
        if result is not None:
            best = result.answers[0]
            lines.append(
                {
                    _("Backbone"): row.label,
                    _("Answer"): best.label,
                    _("Confidence"): 100 * best.probability,
                    _("Milliseconds"): result.milliseconds,
                }
            )
    st.dataframe(
        pd.DataFrame(lines),
        hide_index=True,
        column_config={
            _("Confidence"): st.column_config.ProgressColumn(
                format="%.1f %%", min_value=0, max_value=100
            ),
            _("Milliseconds"): st.column_config.NumberColumn(format="%.0f"),
        },
    )


st.dataframe(
    table(shown),
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
backbone = choose_backbone()
picked = the_lab().row(st.session_state.backbone)  # of a visitor's model: what it grew from
st.markdown(f"**{picked.label}**: {_(picked.advice)}")

st.header(_("What does it see?"))
photo = choose_photo()
if backbone is not None:
    result = answer(Classify(backbone=backbone, photo=photo))
    if result is not None:
        picture, chart = st.columns([1, 2])
        picture.image(result.seen, caption=credit(photo), width="stretch", alt=photo_label(photo))
        with chart:
            st.subheader(
                _("{backbone} says: {label}").format(
                    backbone=plain(label_of(backbone)), label=plain(result.answers[0].label)
                ),
                anchor=False,
            )
            answer_bars(result.answers, key="top5")
            st.caption(
                _("One look took {ms:.0f} ms on this server ({device}).").format(
                    ms=result.milliseconds, device=the_lab().status().device
                )
            )

st.header(_("All of them, on the same photograph"))
st.markdown(lesson("backbones")["side by side"])
side_by_side(photo)

st.header(_("Accuracy and its price"))
st.markdown(lesson("backbones")["price"])
draw(
    scatter(shown, picked),
    key="scatter",
    height=420,
    alt=_("ImageNet accuracy of every backbone against the work of one look."),
)
