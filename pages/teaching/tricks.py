"""The tricks of training as controls, each with one sentence; to add one, add a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.shared import link, runs
from pages.shared.words import _
from pages.teaching.run import NAME
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
        "Epochs",
        (0, 1, 2, 3, 5, 10, 20, 30, 50, 100),
        "How often every photograph is looked at.",
        {0: "each way's own"},
    ),
    Trick(
        "learning_rate",
        "Learning rate",
        (0.0, 1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 0.1, 1.0),
        "How far each step goes: too small crawls, too large jumps about. Acts while it runs; a "
        "head that learns first has its own.",
        {0: "each way's own"},
    ),
    Trick(
        "schedule",
        "Its course",
        SCHEDULES,
        "Large steps find the valley, small ones its floor: so the rate falls on the way.",
        {"cosine": "falls like a cosine", "constant": "stays", "step": "falls in steps"},
    ),
    Trick(
        "optimiser",
        "Optimiser",
        TRAINING_OPTIMISERS,
        "AdamW gives every weight a step size of its own; take it when unsure.",
        {"adamw": "AdamW", "momentum": "momentum"},
    ),
    Trick(
        "momentum",
        "Momentum",
        (0.0, 0.5, 0.8, 0.9, 0.95, 0.99),
        "Keeps rolling in the direction of the last steps; for the optimiser of that name.",
        {0: "none"},
    ),
    Trick(
        "dropout",
        "Dropout",
        (0.0, 0.1, 0.2, 0.3, 0.4, 0.5),
        "Hides a random part of the description at each step, so that the head trusts no single "
        "clue. Acts while it runs.",
        {0: "none"},
    ),
    Trick(
        "weight_decay",
        "Weight decay",
        (0.0, 1e-4, 1e-3, 1e-2, 0.1, 1.0),
        "Pulls weights towards zero: simpler rules last longer. Acts while it runs.",
        {0: "none"},
    ),
    Trick(
        "batch_size",
        "Batch size",
        (4, 8, 16, 32, 64, 128),
        "Photographs behind each step: few make it noisy, many make it slow.",
        {},
    ),
    Trick(
        "augmentation",
        "Augmentation",
        AUGMENTATIONS,
        "Shows every photograph in new guises, so that fewer are needed. For a head alone, on kept "
        "features, the mirror is all there is.",
        {"none": "none", "mirror": "mirror", "strong": "crop, mirror and colour"},
    ),
    Trick(
        "early_stopping",
        "Early stopping",
        (0, 2, 3, 5, 10),
        "Ends after so many epochs without a better one, before it learns by heart.",
        {0: "never"},
    ),
    Trick(
        "clip_norm",
        "Clip gradients",
        (0.0, 0.1, 0.5, 1.0, 5.0),
        "No step is longer than this: one odd batch cannot wreck the weights. Acts while it runs.",
        {0: "never"},
    ),
    Trick(
        "head_first",
        "Head first",
        (True, False),
        "A random head sends wild gradients into good filters; so it learns alone before the rest "
        "is unfrozen.",
        {False: "no", True: "yes"},
        ways=("last-block", "full"),
    ),
    Trick(
        "train_batch_norm",
        "Batch norm",
        (False, True),
        "Batch normalisation keeps what it measured on ImageNet, or learns along. For what is "
        "unfrozen; from random weights it always learns.",
        {False: "frozen", True: "learns"},
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
        "on_change": _moved if trick.field in FineTune.controls else None,
        "args": (trick.field,),
        "disabled": bool(trick.ways) and set(trick.ways).isdisjoint(modes),
    }
    with link.kept(key, default, trick.values):
        if isinstance(default, str | bool):
            return st.selectbox(_(trick.label), **shared)
        return st.select_slider(_(trick.label), **shared)


def _moved(field: str) -> None:
    """Pass a moved control on to the running jobs."""
    runs.update(NAME, **{field: st.session_state[f"trick_{field}"]})


def _spoken(trick: Trick, value: Any) -> str:
    return _(trick.words[value]) if value in trick.words else f"{value:g}"
