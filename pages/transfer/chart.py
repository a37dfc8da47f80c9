"""What transfer was worth in the benchmark: accuracy by photographs a class, a line a method."""

from collections.abc import Iterator, Mapping, Sequence

import streamlit as st

from pages.shared.charts import GREY, Part, axis, draw, palette
from pages.shared.measured_examples import measured
from pages.shared.words import _, chart_text, percent
from tl_core.lab import gettext_noop as N_
from tl_core.specs.training import MODES, mode_row

_DATA = {  # of the benchmark: what it is called, and how many classes it has
    "digits": (N_("Digits, unlike ImageNet"), 10),
    "cats_vs_dogs": (N_("Cats and dogs, like ImageNet"), 2),
    "pet_breeds": (N_("12 cat and dog breeds"), 12),
}
_HEIGHT = 260  # pixels
_COUNTS = (1, 5, 20, 100)  # photographs a class
_RANGE = (-0.1, 2.1)  # powers of ten
Points = Sequence[Mapping[str, float]]


def draw_transfer() -> None:
    """A panel for each data set, with one legend; below each other on a phone."""
    found = measured("transfer.json")
    colours = dict(zip((row.key for row in MODES), palette(), strict=False))
    shown = dict.fromkeys(way for ways in found.values() for way in ways)
    dots = (
        f'<span style="white-space: nowrap"><b style="color: {colours[way]}">●</b> '
        f"{_(mode_row(way).short)}</span>"
        for way in shown
    )
    st.html(" &emsp; ".join(dots))
    places = st.columns(len(found), gap="large")
    for place, (data, ways) in zip(places, found.items(), strict=True):
        name, classes = _DATA[data]
        with place:
            st.markdown(f"**{_(name)}**")
            _panel(data, ways, classes, colours)
    st.caption(
        _(
            "Points: the median (middle) of three runs. Bars: worst to best; down to the dotted "
            "line (guessing), a run learned nothing."
        )
    )


def _panel(data: str, ways: Mapping[str, Points], classes: int, colours: Mapping[str, str]) -> None:
    guessing: Part = {"type": "line", "xref": "paper", "x0": 0, "x1": 1}
    guessing |= {"y0": 100 / classes, "y1": 100 / classes}
    layout = {
        "xaxis": axis(_("photographs per class"), type="log", tickvals=_COUNTS, range=_RANGE),
        "yaxis": axis(_("accuracy, %"), range=[0, 103]),
        "showlegend": False,
        "shapes": [guessing | {"line": {"dash": "dot", "color": palette()[GREY]}}],
    }
    traces = [_trace(way, points, colours[way]) for way, points in ways.items()]
    alt = "; ".join(_figures(ways))
    draw(traces, layout, key=f"transfer_{data}", height=_HEIGHT, alt=alt)


def _trace(way: str, points: Points, colour: str) -> Part:
    """A line through the medians, at each point a bar from the worst to the best."""
    medians, lows, highs = (
        [100 * point[figure] for point in points] for figure in ("median", "low", "high")
    )
    bars = {
        "type": "data",
        "array": [high - middle for high, middle in zip(highs, medians, strict=True)],
        "arrayminus": [middle - low for middle, low in zip(medians, lows, strict=True)],
    }
    return {
        "type": "scatter",
        "x": [point["photos"] for point in points],
        "y": medians,
        "error_y": bars | {"thickness": 1, "width": 3},
        "mode": "lines+markers",
        "line": {"color": colour},
        "name": chart_text(_(mode_row(way).short)),
    }


def _figures(ways: Mapping[str, Points]) -> Iterator[str]:
    """Each method's accuracy with the most photographs it was measured with."""
    for way, points in ways.items():
        if points:
            words = _("{way}: {accuracy} from {photos} photographs per class")
            last = points[-1]
            yield words.format(
                way=_(mode_row(way).label),
                accuracy=percent(last["median"]),
                photos=int(last["photos"]),
            )
