"""The goal of ideal images: classes, a mix of two, or one channel of a layer."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.ideal.live_controls import acting
from pages.shared import link
from pages.shared.choose_class import choose_class, favourites
from pages.shared.visit import the_lab
from pages.shared.words import _, both_names, class_name
from tl_core.lab import gettext_noop as N_


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal as a caption and as fields of the spec."""

    label: str
    fields: dict[str, Any]
    of_class: str = ""  # its name in English, where it is one class


KINDS = {
    "class": N_("a class"),
    "mix": N_("a mix of two"),
    "several": N_("several classes"),
    "channel": N_("one channel of a layer"),
}


def choose_goals(backbone: str) -> list[Goal]:
    """Draw what belongs to the chosen kind of goal; return the goals."""
    backbones = the_lab().backbones
    classes = backbones.classes(backbone)
    if st.session_state.goal == "channel":
        return [_channel(backbone)]
    if st.session_state.goal == "several":
        return _several(classes)
    first = choose_class(classes, "target_class")
    if st.session_state.goal == "class":
        return [_of_class(classes, first)]
    second = choose_class(classes, "second_class", default=1)
    with link.kept("mix", 0.5, between=(0, 1)):
        mix = st.slider(
            _("Mix"),
            0.0,
            1.0,
            step=0.05,
            help=_("0 is only the first, 1 only the second. You can change it while it runs."),
            **acting("mix"),
        )
    fields = {"target": first, "second_target": second, "mix": float(mix)}
    return [Goal(f"{class_name(classes[first])} + {class_name(classes[second])}", fields)]


def _several(classes: tuple[str, ...]) -> list[Goal]:
    most, key = the_lab().settings.max_jobs_per_visitor, f"classes_of_{len(classes)}"
    usual = [classes.index(name) for name in favourites(classes)][:most]
    with link.kept(key, usual, range(len(classes))):
        chosen = st.multiselect(
            _("Classes"),
            range(len(classes)),
            format_func=lambda index: both_names(classes[index]),
            max_selections=most,
            placeholder=_("Choose classes"),
            key=key,
        )
    return [_of_class(classes, index) for index in chosen]


def _of_class(classes: tuple[str, ...], index: int) -> Goal:
    return Goal(
        class_name(classes[index]), {"target": index, "second_target": index}, classes[index]
    )


def _channel(backbone: str) -> Goal:
    row, counts = the_lab().backbones.row(backbone), the_lab().backbones.channel_counts(backbone)
    layers = [stage.layer for stage in row.stages]
    with link.kept("goal_layer", row.last_block, layers):
        layer = st.selectbox(_("Layer"), layers, key="goal_layer")
    numbers = [str(number) for number in range(counts[layer])]
    with link.kept("goal_channel", numbers[0], numbers):
        channel = st.selectbox(_("Channel"), numbers, key="goal_channel")
    with link.kept("goal_unit", default=False):
        is_unit = st.toggle(_("only one unit, in the middle"), key="goal_unit")
    return Goal(
        _("channel {channel} of {layer}").format(channel=channel, layer=layer),
        {"layer": layer, "channel": int(channel), "is_unit": bool(is_unit)},
    )
