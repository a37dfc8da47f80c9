"""What Start draws: one picture of each goal, or several of one to be compared."""

from typing import Any

import streamlit as st

from pages.ideal.goals import Goal
from pages.ideal.live_controls import OPTIMISERS, RATES_OF_OPTIMISERS
from pages.shared.choose_one import choose_one
from pages.shared.words import _
from tl_core.lab import gettext_noop as N_
from tl_core.specs.ideal import IdealImage
from tl_core.specs.ideal_recipes import LADDER

SEEDS = 2**32
KEEPS_RATE = {
    "ladder": N_("Each recipe keeps its own total-variation weight and learning rate."),
    "optimisers": N_("Every optimiser keeps a learning rate that suits it."),
}
COMPARISONS = {
    "one": N_("one picture"),
    "ladder": N_("ablation: five recipes"),
    "optimisers": N_("three optimisers"),
    "seeds": N_("three seeds"),
}


def choose_comparison() -> None:
    """Draw the choice; several classes have none."""
    if st.session_state.goal != "several":
        choose_one(_("Draw"), COMPARISONS, key="way", default="one")


def comparison() -> str:
    """The chosen comparison, or one picture."""
    return "one" if st.session_state.goal == "several" else st.session_state.way


def specs(
    backbone: str, photo: str, goals: list[Goal], choices: dict[str, float | str | None]
) -> list[tuple[str, IdealImage]]:
    """The specs of all goals as the widgets have them, each with its caption."""
    common: dict[str, Any] = {
        "backbone": backbone,
        "seed": int(st.session_state.seed),
        "steps": int(st.session_state.steps),
        "photo": photo if st.session_state.from_photo else "",
    }
    mine: dict[str, Any] = {**choices, **common}
    if comparison() == "one":
        return [(goal.label, IdealImage(**mine | goal.fields)) for goal in goals]
    mine |= goals[0].fields
    if comparison() == "ladder":
        fields = common | goals[0].fields
        return [(_(row.label), IdealImage(recipe=row.key, **fields)) for row in LADDER]
    if comparison() == "optimisers":
        return [
            (_(OPTIMISERS[name]), IdealImage(**mine | {"optimiser": name, "learning_rate": rate}))
            for name, rate in RATES_OF_OPTIMISERS.items()
        ]
    seeds = [(mine["seed"] + i) % SEEDS for i in range(3)]
    return [(_("seed {seed}").format(seed=s), IdealImage(**mine | {"seed": s})) for s in seeds]
