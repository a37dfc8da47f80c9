"""How long each layer's gradient is in the first updates: where gradients vanish, one sees it."""

import streamlit as st

from pages.shared.charts import axis, draw
from pages.shared.words import _, lesson, number
from pages.training.modes import lines_of, snapshot_of
from pages.visit.state import Run

_HEIGHT = 260


def draw_gradients(run: Run | None) -> None:
    """A line for each run whose network is unfrozen, from the input's layer to the head."""
    lines = [(line, snapshot_of(line.job)) for line in (lines_of(run) if run else [])]
    shown = [(line, found.gradients) for line, found in lines if found and found.gradients]
    if not shown:
        return
    traces = [
        {
            "type": "scatter",
            "x": list(range(1, 1 + len(gradients))),
            "y": list(gradients),
            "name": line.name,
            "mode": "lines",
            "line": {"color": line.colour},
        }
        for line, gradients in shown
    ]
    layout = {
        "xaxis": axis(_("layer, from the input to the head")),
        "yaxis": axis(_("length of its gradient"), type="log"),
    }
    words = _("{name}: {first} in the first layer, {last} in the head")
    alt = "; ".join(
        words.format(
            name=line.name, first=number(gradients[0], ".2g"), last=number(gradients[-1], ".2g")
        )
        for line, gradients in shown
    )
    with st.expander(_("Gradients of the first updates"), icon=":material/stacked_line_chart:"):
        draw(traces, layout, key="gradients", height=_HEIGHT, alt=alt)
        st.markdown(lesson("tricks")["gradients"])
