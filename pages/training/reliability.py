"""Is it as sure as it should be? The reliability diagram, and temperature scaling by one press."""

from functools import partial

import streamlit as st

from pages.shared.charts import GREY, axis, draw, palette
from pages.shared.fold import fold
from pages.shared.words import _, lesson, percent
from tl_core.specs.training import Reliability, TemperatureScaling

_HEIGHT = 280  # of the chart, in pixels


def draw_reliability(scaling: TemperatureScaling) -> None:
    """Behind a press: confidence against accuracy, as the model is and with its logits scaled."""
    fold(
        _("Is it as sure as it should be?"),
        icon=":material/balance:",
        key="reliability",
        draw=partial(_draw, scaling),
    )


def _draw(scaling: TemperatureScaling) -> None:
    st.markdown(lesson("training")["reliability"])
    is_scaled = st.toggle(_("Scale the temperature"), key="is_scaled")
    found = scaling.after if is_scaled else scaling.before
    words = _("On average its confidence is {error} off (expected calibration error).")
    if is_scaled:
        words = _(
            "With all logits divided by {temperature:.2f}, its confidence is {error} off. Its "
            "answers stay the same."
        )
    words = words.format(error=percent(found.error), temperature=scaling.temperature)
    st.markdown(words)
    _diagram(found, words)


def _diagram(found: Reliability, alt: str) -> None:
    """A dot for each range of confidence, larger where there are more answers; and the diagonal."""
    most = max(one.photographs for one in found.bins)
    dots = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [100 * one.confidence for one in found.bins],
        "y": [100 * one.accuracy for one in found.bins],
        "marker": {"size": [8 + 16 * (one.photographs / most) ** 0.5 for one in found.bins]},
        "text": [_("{count} answers").format(count=one.photographs) for one in found.bins],
        "hoverinfo": "text+x+y",
    }
    ideal = {"type": "line", "x0": 0, "y0": 0, "x1": 100, "y1": 100}
    layout = {
        "xaxis": axis(_("how sure, %"), range=[0, 103]),
        "yaxis": axis(_("how often right, %"), range=[0, 103]),
        "showlegend": False,
        "shapes": [ideal | {"line": {"dash": "dot", "color": palette()[GREY]}}],
    }
    draw([dots], layout, key="reliability_chart", height=_HEIGHT, alt=alt)
