"""A data set's other tests: what a model does where the shortcut it may have taken leads astray."""

from collections.abc import Iterator, Sequence

import streamlit as st

from pages.shared import link
from pages.shared.charts import axis, draw
from pages.shared.live_camera import turn_live_on
from pages.shared.none_of_these import PERCENT
from pages.shared.page_top import go_up
from pages.shared.words import _, chart_text, lesson, percent, plain
from pages.training.predictions import draw_prediction
from pages.training.run import BEGIN_NOW
from tl_core.lab import gettext_noop as N_
from tl_core.specs.datasets import OWN_DATASET
from tl_core.specs.training import FineTune, FineTuneResult, FineTuneSnapshot, Prediction

_SHOWN = 2  # photographs that look different in each test
_WIDTH = 108  # pixels of one: three are as wide as a phone
_BAR, _AROUND = 46, 50  # pixels
_REPAIRS = {  # the data sets that repair one, and what to call each
    "coloured_digits": {
        "coloured_digits_at_random": N_("Repair it: random backgrounds"),
        "coloured_digits_grey": N_("Repair it: all on grey"),
    }
}


def draw_shifts(spec: FineTune, result: FineTuneResult, names: tuple[str, ...]) -> None:
    """Accuracy beside validation's, what it means, and the same photographs in each test."""
    if not result.shifts:
        return
    st.subheader(_("The same photographs, other backgrounds (distribution shift)"), anchor=False)
    bars, words = st.columns([3, 2], gap="large")
    with bars:
        _bars(result)
        for row in _rows(result):
            with st.container(horizontal=True, gap="small", key=f"shift_{row[0].photo}"):
                for found in row:
                    with st.container(width=_WIDTH, gap="xsmall"):
                        draw_prediction(spec, result.model, found, names)
    with words:
        _say(spec, result)


def ask_of_backgrounds(spec: FineTune, snapshot: FineTuneSnapshot) -> None:
    """Ask a visitor who has taught photographs of their own for the shortcut in them."""
    if spec.dataset != OWN_DATASET:
        return
    first, second = snapshot.classes[:2]
    words = _(
        "**Do all photographs of “{first}” have the same background?** Then it may have learned "
        "the background: a [shortcut](#shortcut). Test it with the live camera: hold “{first}” up "
        "where “{second}” was."
    )
    with st.container(border=True, key="own_shortcut"):
        st.markdown(words.format(first=plain(first), second=plain(second)))
        st.button(
            _("Find out live"),
            key="shortcut_live",
            icon=":material/videocam:",
            on_click=turn_live_on,
        )


def _bars(result: FineTuneResult) -> None:
    """A bar for each test with its 95 % interval, validation on top."""
    tests = [(_("as in training (validation)"), result)]
    tests += [(_(name), shifted) for name, shifted in result.shifts]
    shares = [100 * found.accuracy for _name, found in tests]
    above, below = (
        [100 * abs(found.interval[end] - found.accuracy) for _name, found in tests]
        for end in (1, 0)
    )
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": shares,
        "y": [f"{chart_text(name)} <b>{percent(found.accuracy)}</b>" for name, found in tests],
        "error_x": {"type": "data", "array": above, "arrayminus": below},
        "hoverinfo": "skip",
    }
    layout = {
        "xaxis": axis(_("accuracy, %"), range=[0, 103]),
        "yaxis": axis(type="category", autorange="reversed", ticksuffix="  ", showgrid=False),
    }
    alt = "; ".join(f"{name}: {percent(found.accuracy)}" for name, found in tests)
    draw([bars], layout, key="shifts", height=_AROUND + _BAR * len(tests), alt=alt)


def _say(spec: FineTune, result: FineTuneResult) -> None:
    """Whether it has taken a shortcut, whether it notices, and how to repair it."""
    worst = min((found for _name, found in result.shifts), key=lambda found: found.accuracy)
    if worst.interval[1] >= result.interval[0]:
        words = _(
            "**No sign of a shortcut**: it does about as well on every test as in validation, and "
            "any difference could be chance."
        )
        st.markdown(words)
        return
    words = _(
        "**A [shortcut](#shortcut)**: {validation} right where the background gives the class "
        "away, {worst} where it points to another."
    )
    words = words.format(validation=percent(result.accuracy), worst=percent(worst.accuracy))
    judged = [found.p_value for found in worst.predictions if found.p_value is not None]
    if judged:
        share = sum(value <= PERCENT / 100 for value in judged) / len(judged)
        noticed = _("Set to {set} %, “none of these” rejects {share} of those photographs.")
        words += " " + noticed.format(share=percent(share), set=PERCENT)
    st.markdown(f"{words}\n\n{lesson('training')['shortcut']}")
    for key, label in _REPAIRS.get(spec.dataset, {}).items():
        st.button(
            _(label),
            key=f"repair_{key}",
            icon=":material/build:",
            on_click=_repair,
            args=(key,),
        )


def _repair(dataset: str) -> None:
    """Learn from the repaired photographs, by the press alone, and show where it learns."""
    link.set_choice("dataset", dataset)
    st.session_state[BEGIN_NOW] = True
    go_up()


def _rows(result: FineTuneResult) -> Iterator[Sequence[Prediction]]:
    """The same photograph in validation and each test, of other classes; what is lost comes first.

    A photograph has the same name in all of them, below a folder of each.
    """
    tests = [result, *(found for _name, found in result.shifts)]
    by_name = [{p.name.split("/", 1)[1]: p for p in found.predictions} for found in tests]
    rows = [
        [found[name] for found in by_name]
        for name in by_name[0]
        if all(name in found for found in by_name)
    ]
    rows.sort(key=lambda row: (not row[0].is_right, row[-1].is_right, -row[-1].confidence))
    seen = set[int]()
    for row in rows:
        if row[0].label not in seen and len(seen) < _SHOWN:
            seen.add(row[0].label)
            yield row
