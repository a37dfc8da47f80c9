"""The palette, the layout of every Plotly chart, and a bar chart of answers."""

from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from pages.shared.words import _, chart_text
from tl_core.specs import Answer

GREEN, GREY = 2, 6  # places in the palette


def theme() -> str:
    """``light`` or ``dark``, as the browser shows the page."""
    return st.context.theme.type or "light"


def palette() -> list[str]:
    """The theme's colours of chart series, for what is not coloured by its place in the chart."""
    colours: list[str] = st.get_option(f"theme.{theme()}.chartCategoricalColors")
    return colours


def draw(figure: go.Figure, *, key: str, height: int, alt: str) -> None:
    """Show a figure as wide as its place, with its legend above it."""
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": 0, "t": 10, "b": 0},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(automargin=True)
    st.plotly_chart(figure, key=key, config={"displayModeBar": False}, alt=alt)


def answer_bars(answers: Sequence[Answer], *, key: str, bar: int = 38) -> None:
    """The most probable classes as bars, best on top; ``bar`` is the height of one, in pixels."""
    percent = [100 * answer.probability for answer in answers]
    bars = go.Bar(
        x=percent,
        y=[chart_text(answer.label) for answer in answers],
        orientation="h",
        text=[f"{value:.1f} %" for value in percent],
        textposition="outside",
        cliponaxis=False,
        marker_opacity=[1.0] + [0.4] * (len(answers) - 1),
        hoverinfo="skip",
    )
    figure = go.Figure(bars)
    figure.update_yaxes(type="category", autorange="reversed", ticksuffix="  ", showgrid=False)
    figure.update_xaxes(range=[0, 130], visible=False)
    best = answers[0]
    draw(
        figure,
        key=key,
        height=60 + bar * len(answers),
        alt=_("Most probable: {label}, {percent:.0f} %").format(
            label=best.label, percent=100 * best.probability
        ),
    )
