"""Mistakes on the test that are ticked, learned too, and what came of it."""

from collections.abc import Sequence

import streamlit as st

from pages.shared import runs
from pages.shared.charts import axis, draw, percent_lines
from pages.shared.fold import fold
from pages.shared.measured_examples import measured
from pages.shared.visit import the_visit
from pages.shared.words import _, percent
from pages.training.paired import ENOUGH, compare
from tl_core.specs.datasets import MAX_PHOTOS
from tl_core.specs.training import FineTune, FineTuneResult

_HEIGHT = 220  # of the chart, in pixels


def offer(name: str, spec: FineTune, result: FineTuneResult, ticked: Sequence[str]) -> None:
    """Draw the button that trains once more, with the ticked mistakes among what is learned."""
    st.button(
        _("Learn these too: {count}").format(count=len(ticked)),
        key="learn_too",
        icon=":material/school:",
        disabled=not ticked,
        on_click=_learn,
        args=(name, spec, result, tuple(ticked)),
        help=_("Takes them out of validation and trains with the settings above."),
    )


def _learn(name: str, spec: FineTune, result: FineTuneResult, ticked: tuple[str, ...]) -> None:
    visit = the_visit()
    known = visit.learned_too.get(spec.dataset, ())
    visit.learned_too[spec.dataset] = tuple(dict.fromkeys((*known, *ticked)))[-MAX_PHOTOS:]
    visit.before_corrections = result
    runs.want(name)


def draw_comparison(spec: FineTune, result: FineTuneResult) -> None:
    """What the corrections were worth, on photographs that never stood among the mistakes."""
    before = the_visit().before_corrections
    if before is None or not spec.corrections or before.model == result.model:
        return
    found = compare(before, result)
    if found is None:
        words = _(
            "We can't tell whether the corrections helped: fewer than {enough} validation "
            "photographs were never shown among the mistakes."
        )
        st.info(words.format(enough=ENOUGH), icon=":material/balance:")
        return
    words = _(
        "On the {count} validation photographs never shown among the mistakes, accuracy was "
        "{before} before the corrections and {after} after. The difference lies between "
        "{low:+.1f} and {high:+.1f} percentage points (95 % [confidence "
        "interval](#confidence-interval), both tested on the same photographs)."
    )
    low, high = (100 * bound for bound in found.interval)
    shares = {"before": percent(found.before), "after": percent(found.after)}
    words = words.format(count=found.photographs, low=low, high=high, **shares)
    if not found.is_clear:
        words += " " + _("So it could just be chance.")
    st.info(words, icon=":material/balance:")


def draw_measured() -> None:
    """Behind a press, what mistakes and photographs at random were worth in the benchmark."""
    fold(
        _("Does learning from mistakes help?"),
        icon=":material/trending_up:",
        key="worth_of_mistakes",
        draw=_draw_worth,
    )


def _draw_worth() -> None:
    found = measured("corrections.json")
    names = {"mistakes": _("mistakes"), "at random": _("at random")}
    lines = {label: found["accuracy"][name] for name, label in names.items()}
    mistakes, at_random = lines.values()
    words = _(
        "Measured on cats and dogs: eight of each, then {count} more, mean of five tries. "
        "Accuracy rises from {first} to {best} if we add the mistakes it was most confident "
        "about, and to {chance} if we add random photographs."
    ).format(
        count=found["photographs"][-1],
        first=percent(mistakes[0]),
        best=percent(mistakes[-1]),
        chance=percent(at_random[-1]),
    )
    st.caption(words)
    layout = {"xaxis": axis(_("photographs added")), "yaxis": axis(_("accuracy, %"))}
    traces = percent_lines(found["photographs"], lines)
    draw(traces, layout, key="worth", height=_HEIGHT, alt=words)
