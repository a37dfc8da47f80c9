"""The smallest budget: the success curve over epsilon, then how few values had to move."""

import streamlit as st

from pages.attack.attack_view import figures
from pages.shared import runs
from pages.shared.charts import GREEN, GREY, axis, draw, palette
from pages.shared.picture import live_picture
from pages.shared.words import _, ngettext, plain_class
from pages.visit.state import Run
from tl_core.specs.attack import SmallestBudget, SmallestSnapshot

NAME = "smallest"


def draw_smallest(question: SmallestBudget | None) -> None:
    """A button that asks, and the answer as it grows."""
    if question is not None:
        with st.container(width=360):
            runs.start_or_stop(
                NAME,
                lambda: runs.begin(NAME, [("", question)]),
                label=_("Find the smallest epsilon"),
                suffix="_smallest",
            )
    runs.live(NAME, _draw)


def _draw(run: Run) -> None:
    job = run.jobs[0][1]
    found = job.snapshot
    if not isinstance(found, SmallestSnapshot):
        return
    if not job.is_over:
        st.markdown(_("Searching: fewer and fewer levels, then fewer and fewer values …"))
    elif found.epsilon is not None:
        st.markdown(_answer(found))
    curve, counts, picture = st.columns([2, 2, 1])
    with curve:
        _success_by_epsilon(found, key=f"levels_{job.id}")
    with counts:
        if found.counts:
            _values_by_queries(found, key=f"values_{job.id}")
    with picture:
        if found.picture:
            live_picture(found.picture, alt=_("The smallest change"))
    if found.gap.changed_values:
        figures(found.gap)


def _answer(found: SmallestSnapshot) -> str:
    """How many levels are enough, and of how many values."""
    levels = found.epsilon or 0
    label = plain_class(found.after[0].label) if found.after else ""
    words = ngettext(
        "{levels} level of 255 is enough to make it **{label}**.",
        "{levels} levels of 255 are enough to make it **{label}**.",
        levels,
    )
    if not found.counts:
        return words.format(levels=levels, label=label)
    words = ngettext(
        "{levels} level of 255 is enough to make it **{label}**, and only {few:,} of {all:,} "
        "values have to move.",
        "{levels} levels of 255 are enough to make it **{label}**, and only {few:,} of {all:,} "
        "values have to move.",
        levels,
    )
    few, total = found.counts[-1][1], found.total_values
    return words.format(levels=levels, label=label, few=few, all=total)


def _success_by_epsilon(found: SmallestSnapshot, *, key: str) -> None:
    colours = palette()
    bars = {
        "type": "bar",
        "x": [str(trial.epsilon) for trial in found.curve],
        "y": [100 * trial.probability for trial in found.curve],
        "marker": {"color": [colours[GREEN if trial.is_fooled else GREY] for trial in found.curve]},
    }
    layout = {
        "xaxis": axis(_("epsilon, levels (green: fooled)")),
        "yaxis": axis(_("probability of the goal, %"), range=[0, 102]),
    }
    draw([bars], layout, key=key, height=260, alt=_("Success against epsilon"))
    st.caption(_("Each try stops as soon as the goal comes first, however low its probability."))


def _values_by_queries(found: SmallestSnapshot, *, key: str) -> None:
    asked, moved = zip(*found.counts, strict=True)
    line = {"type": "scatter", "x": asked, "y": moved}
    layout = {
        "xaxis": axis(_("pictures shown to the network")),
        "yaxis": axis(_("values moved"), type="log"),
    }
    draw([line], layout, key=key, height=260, alt=_("How the number of changed values falls"))
