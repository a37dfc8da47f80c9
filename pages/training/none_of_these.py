"""The share of new photographs that may be turned away: what that promises, and what it cannot."""

import html
import math
from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from pages.shared import link
from pages.shared.charts import axis, draw, percent_lines
from pages.shared.choose_photo import thumbnail_url
from pages.shared.fold import fold
from pages.shared.measured_examples import measured
from pages.shared.none_of_these import KEY, MOST_PERCENT, PERCENT
from pages.shared.table import table
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, lesson, percent, plain
from tl_core.lab import UserError
from tl_core.lab import gettext_noop as N_
from tl_core.specs.classify import LEAST_GROUPS, Calibration, Novelty
from tl_core.specs.training import FineTune, FineTuneSnapshot, Prediction

_HEIGHT = 260  # of the chart, in pixels
_LINES = {  # of the chart: score and what was shown
    "far, nearest": N_("unrelated, by distance"),
    "near, nearest": N_("other breeds, by distance"),
    "far, maximum softmax": N_("unrelated, by softmax"),
}
_SCORES = ("nearest", "maximum softmax")
_RESTS_ON = {
    "held out": N_(
        "This is based on {groups} photographs that it never learned from. A [p-value](#p-value) "
        "says how many of them lie at least as far away."
    ),
    "left out": N_(
        "This is approximate. It is based on the {groups} photographs that the model learned "
        "from, each compared with all the others ([p-value](#p-value), leave-one-out)."
    ),
    "rough": N_(
        "**Rough**: you have fewer than {least} clearly different photographs, too few to set the "
        "limit. Instead we use a fixed distance, from models taught with eight photographs per "
        "class of cats, dogs and pets: this share of new photographs lay further away. With four "
        "per class, three times as many did."
    ),
}


def choose_share(model: str, taught: tuple[str, FineTune, FineTuneSnapshot] | None) -> None:
    """Draw what the model's "none of these" promises, and behind a press how to set it."""
    calibration = the_lab().models.calibrations(the_visit().id).get(model)
    if calibration is None:
        words = _(
            "It can't say “none of these”: that takes {least} clearly different photographs. "
            "Models saved in version 0.1.0 can't say it either."
        )
        st.caption(lesson("training")["closed world"])
        st.caption(words.format(least=LEAST_GROUPS))
        return
    low = max(math.ceil(100 * calibration.least_share), 1)
    fold(
        _("When should it say “none of these”?"),
        icon=":material/help:",
        key="none_of_these",
        draw=partial(_choose, low, calibration, taught),
    )


def _choose(
    low: int, calibration: Calibration, taught: tuple[str, FineTune, FineTuneSnapshot] | None
) -> None:
    with link.kept(KEY, max(PERCENT, low), between=(low, MOST_PERCENT)):
        chosen = st.slider(
            _("New photographs of your classes that it may wrongly reject, %"),
            low,
            MOST_PERCENT,
            key=KEY,
        )
    _promise(chosen, low, calibration)
    _draw_measured(chosen)
    if taught is not None:
        _compare(taught, chosen / 100)


def draw_nearest(novelty: Novelty) -> None:
    """The photograph that it was taught with which lies nearest, where it is this visitor's."""
    words = _("Nearest one it learned from: [distance](#novelty-detection) {distance:.2f}")
    words = words.format(distance=novelty.distance)
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="nearest"):
        try:
            if novelty.nearest:
                alt = _("The nearest photograph it was taught with")
                address = thumbnail_url(novelty.nearest)
                st.html(f'<img src="{address}" alt="{html.escape(alt)}">', width="content")
        except UserError:  # it has left the memory
            words += " " + _("The photograph itself is gone.")
        st.caption(words)


def _promise(chosen: int, low: int, calibration: Calibration) -> None:
    words = _(
        "Of 100 new photographs of your classes, about {chosen} will wrongly be called “none of "
        "these”."
    )
    if calibration.kind != "rough":
        words += " " + _("We can't promise fewer than {low}.")
    rests_on = _(_RESTS_ON[calibration.kind]).format(groups=calibration.groups, least=LEAST_GROUPS)
    st.caption(f"{words.format(chosen=chosen, low=low)} {rests_on}")
    st.caption(lesson("training")["none of these"])


def _draw_measured(chosen: int) -> None:
    """What was turned away in the benchmark, by the share of its own that was too."""
    found = measured("unknown.json")
    x = [100 * share for share in found["false alarms"]]
    lines = {_(label): found["turned away"][name] for name, label in _LINES.items()}
    traces = percent_lines(x, lines)
    here = {"type": "line", "x0": chosen, "x1": chosen, "yref": "paper", "y0": 0, "y1": 1}
    layout = {
        "xaxis": axis(_("its own classes rejected, %"), range=[0, MOST_PERCENT + 1]),
        "yaxis": axis(_("unknown rejected, %"), range=[0, 103]),
        "shapes": [here | {"line": {"dash": "dot", "width": 1}}],
    }
    at = found["false alarms"].index(PERCENT / 100)
    far, soft = (percent(found["turned away"][f"far, {name}"][at]) for name in _SCORES)
    words = _("At 5 %, {far} of unrelated pictures are rejected by distance and {soft} by softmax")
    alt = words.format(far=far, soft=soft)
    draw(traces, layout, key="unknown", height=_HEIGHT, alt=alt)


def _compare(taught: tuple[str, FineTune, FineTuneSnapshot], share: float) -> None:
    """The class of other things and the distance, on the same test photographs."""
    _label, spec, snapshot = taught
    if not spec.something_else or snapshot.result is None:
        return
    names = [figures.name for figures in snapshot.result.classes]
    other = names.index(spec.something_else)
    judged = [found for found in snapshot.result.predictions if found.p_value is not None]
    sides = [[p for p in judged if (p.label == other) is is_other] for is_other in (True, False)]
    if not all(sides):
        return
    words = _("The class “{name}” or the distance?").format(name=plain(spec.something_else))
    st.markdown(f"**{words}**")
    ways: dict[str, Callable[[Prediction], bool]] = {
        _("by the class"): lambda found: found.predicted == other,
        _("by the distance"): lambda found: found.p_value is not None and found.p_value <= share,
    }
    table(
        [
            {
                _("Rejected"): name,
                _("of other things"): _count(sides[0], is_away),
                _("of your classes"): _count(sides[1], is_away),
            }
            for name, is_away in ways.items()
        ]
    )


def _count(found: Sequence[Prediction], is_away: Callable[[Prediction], bool]) -> str:
    return _("{count} of {all}").format(count=sum(map(is_away, found)), all=len(found))
