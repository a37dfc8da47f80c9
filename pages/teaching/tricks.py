"""The tricks of training as controls, each with one sentence; to add one, add a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.shared import link, runs
from pages.shared.words import _, number
from pages.teaching.run import NAME
from tl_core.lab import gettext_noop as N_
from tl_core.specs import AUGMENTATIONS, SCHEDULES, TRAINING_OPTIMISERS, FineTune

_BESIDE = 2  # controls in a row


@dataclass(frozen=True, slots=True)
class Trick:
    """One control: a field of the spec, its values, and what it does."""

    field: str
    label: str
    values: tuple[Any, ...]
    sentence: str
    words: Mapping[Any, str]  # for values that are not shown as plain numbers
    ways: tuple[str, ...] = ()  # to teach, in which it does something; none named: in all


TRICKS: tuple[Trick, ...] = (
    Trick(
        "epochs",
        N_("Epochs"),
        (0, 1, 2, 3, 5, 10, 20, 30, 50, 100),
        N_("How often every photograph is looked at."),
        {0: N_("each way's own")},
    ),
    Trick(
        "learning_rate",
        N_("Learning rate"),
        (0.0, 1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 0.1, 1.0),
        N_(
            "How far each step goes: too small crawls, too large jumps about. Acts while it runs; "
            "a head that learns first has its own."
        ),
        {0: N_("each way's own")},
    ),
    Trick(
        "schedule",
        N_("Its course"),
        SCHEDULES,
        N_("Large steps find the valley, small ones its floor: so the rate falls on the way."),
        {
            "cosine": N_("falls like a cosine"),
            "constant": N_("stays"),
            "step": N_("falls in steps"),
        },
    ),
    Trick(
        "optimiser",
        N_("Optimiser"),
        TRAINING_OPTIMISERS,
        N_("AdamW gives every weight a step size of its own; take it when unsure."),
        {"adamw": N_("AdamW"), "momentum": N_("momentum")},
    ),
    Trick(
        "momentum",
        N_("Momentum"),
        (0.0, 0.5, 0.8, 0.9, 0.95, 0.99),
        N_("Keeps rolling in the direction of the last steps; for the optimiser of that name."),
        {0: N_("none")},
    ),
    Trick(
        "dropout",
        N_("Dropout"),
        (0.0, 0.1, 0.2, 0.3, 0.4, 0.5),
        N_(
            "Hides a random part of the description at each step, so that the head trusts no "
            "single clue. Acts while it runs."
        ),
        {0: N_("none")},
    ),
    Trick(
        "weight_decay",
        N_("Weight decay"),
        (0.0, 1e-4, 1e-3, 1e-2, 0.1, 1.0),
        N_("Pulls weights towards zero: simpler rules last longer. Acts while it runs."),
        {0: N_("none")},
    ),
    Trick(
        "batch_size",
        N_("Batch size"),
        (4, 8, 16, 32, 64, 128),
        N_("Photographs behind each step: few make it noisy, many make it slow."),
        {},
    ),
    Trick(
        "augmentation",
        N_("Augmentation"),
        AUGMENTATIONS,
        N_(
            "Shows every photograph in new guises, so that fewer are needed. For a head alone, on "
            "kept features, the mirror is all there is."
        ),
        {"none": N_("none"), "mirror": N_("mirror"), "strong": N_("crop, mirror and colour")},
    ),
    Trick(
        "early_stopping",
        N_("Early stopping"),
        (0, 2, 3, 5, 10),
        N_("Ends after so many epochs without a better one, before it learns by heart."),
        {0: N_("never")},
    ),
    Trick(
        "clip_norm",
        N_("Clip gradients"),
        (0.0, 0.1, 0.5, 1.0, 5.0),
        N_(
            "No step is longer than this: one odd batch cannot wreck the weights. Acts while it "
            "runs."
        ),
        {0: N_("never")},
    ),
    Trick(
        "head_first",
        N_("Head first"),
        (True, False),
        N_(
            "A random head sends wild gradients into good filters; so it learns alone before the "
            "rest is unfrozen."
        ),
        {False: N_("no"), True: N_("yes")},
        ways=("last-block", "full"),
    ),
    Trick(
        "train_batch_norm",
        N_("Batch norm"),
        (False, True),
        N_(
            "Batch normalisation keeps what it measured on ImageNet, or learns along. For what is "
            "unfrozen; from random weights it always learns."
        ),
        {False: N_("frozen"), True: N_("learns")},
        ways=("last-block", "full"),
    ),
)


def tricks(modes: Sequence[str]) -> dict[str, Any]:
    """Draw all controls, those that do nothing in the ways ``modes`` in grey; return their values.

    The values are by field.
    """
    found = {}
    st.markdown("**" + _("The tricks of training") + "**")
    for first in range(0, len(TRICKS), _BESIDE):
        row = TRICKS[first : first + _BESIDE]
        for column, trick in zip(st.columns(_BESIDE), row, strict=False):
            with column:
                found[trick.field] = _control(trick, modes)
                st.caption(_(trick.sentence))
    return found


def _control(trick: Trick, modes: Sequence[str]) -> Any:
    """A slider for numbers, a list for words."""
    key, default = f"trick_{trick.field}", getattr(FineTune, trick.field)
    shared: dict[str, Any] = {
        "options": trick.values,
        "format_func": lambda value: _spoken(trick, value),
        "key": key,
        "on_change": runs.pass_on if trick.field in FineTune.controls else None,
        "args": (NAME, trick.field, key),
        "disabled": bool(trick.ways) and set(trick.ways).isdisjoint(modes),
    }
    with link.kept(key, default, trick.values):
        if isinstance(default, str | bool):
            return st.selectbox(_(trick.label), **shared)
        return st.select_slider(_(trick.label), **shared)


def _spoken(trick: Trick, value: Any) -> str:
    return _(trick.words[value]) if value in trick.words else number(value)
