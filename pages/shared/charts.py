"""The palette, the layout of every Plotly chart, and a bar chart of answers."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import plotly.graph_objects as go
import streamlit as st

from pages.shared.presenter import enlarged
from pages.shared.words import _, chart_text, class_name, percent
from tl_core.specs.classify import Answer

GREEN, GREY = 2, 6  # places in the palette

Part = dict[str, Any]  # of a chart: a trace, an axis, a layout

_LAYOUT: Part = {
    "margin": {"l": 0, "r": 0, "t": 10, "b": 0},
    "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
}


def theme() -> str:
    """``light`` or ``dark``, as the browser shows the page."""
    return st.context.theme.type or "light"


def palette() -> list[str]:
    """The theme's colours of chart series, for what is not coloured by its place in the chart."""
    colours: list[str] = st.get_option(f"theme.{theme()}.chartCategoricalColors")
    return colours


def draw(
    traces: Sequence[Part],
    layout: Part,
    *,
    key: str,
    height: int,
    alt: str,
    is_stretched: bool = False,
    **options: Any,
) -> None:
    """Show a chart as wide as its place, with its legend above it.

    One that ``is_stretched`` is as high as CSS makes its place, where that says so.

    ``traces`` and ``layout`` are Plotly's own JSON, with axes from ``axis``, and taken as they are:
    to build the same of checked objects takes ten times as long, in every poll of every visitor.
    """
    figure = go.Figure(
        {"data": list(traces), "layout": {**_LAYOUT, "height": enlarged(height), **layout}},
        _validate=False,
    )
    config = {"displayModeBar": False}
    size: Literal["stretch", "content"] = "stretch" if is_stretched else "content"
    st.plotly_chart(figure, key=key, config=config, alt=alt, height=size, **options)


def percent_lines(x: Sequence[float], shares: Mapping[str, Sequence[float]]) -> list[Part]:
    """Lines of shares in per cent over ``x``, by their names."""
    return [
        {
            "type": "scatter",
            "x": list(x),
            "y": [100 * share for share in line],
            "name": name,
            "mode": "lines+markers",
        }
        for name, line in shares.items()
    ]


def axis(title: str = "", **rest: Any) -> Part:
    """An axis of a chart's layout, with room for its labels."""
    return {"title": {"text": title}, "automargin": True, **rest}


BARS_LAYOUT: Part = {
    "xaxis": axis(range=[0, 130], visible=False),
    "yaxis": axis(type="category", autorange="reversed", ticksuffix="  ", showgrid=False),
}


def bars(labels: Sequence[str], shares: Sequence[float | None], **rest: Any) -> Part:
    """A bar for the share of each class, with its figure; none where the share is unknown."""
    return {
        "type": "bar",
        "orientation": "h",
        "x": [100 * (share or 0) for share in shares],
        "y": [chart_text(class_name(label)) for label in labels],
        "text": ["" if share is None else percent(share) for share in shares],
        "textposition": "outside",
        "cliponaxis": False,
        "hoverinfo": "skip",
        **rest,
    }


def answer_bars(answers: Sequence[Answer], *, key: str, bar: int = 38) -> None:
    """The most probable classes as bars, best on top; ``bar`` is the height of one, in pixels."""
    labels = [answer.label for answer in answers]
    marker = {"opacity": [1.0] + [0.4] * (len(answers) - 1)}
    best = answers[0]
    draw(
        [bars(labels, [answer.probability for answer in answers], marker=marker)],
        BARS_LAYOUT,
        key=key,
        height=60 + bar * len(answers),
        alt=_("Most probable: {label}, {percent:.0f} %").format(
            label=class_name(best.label), percent=100 * best.probability
        ),
    )
