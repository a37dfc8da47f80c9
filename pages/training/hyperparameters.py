"""The hyperparameters as controls, each with one sentence; to add one, add a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.shared import link, runs
from pages.shared.words import _, number
from pages.training.run import NAME
from tl_core.lab import gettext_noop as N_
from tl_core.specs.training import AUGMENTATIONS, SCHEDULES, TRAINING_OPTIMISERS, FineTune

_BESIDE = 2  # controls in a row


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """One control: a field of the spec, its values, and what it does."""

    field: str
    label: str
    values: tuple[Any, ...]
    sentence: str
    words: Mapping[Any, str]  # for values that are not shown as plain numbers
    modes: tuple[str, ...] = ()  # in which it does something; none named: in all


HYPERPARAMETERS: tuple[Hyperparameter, ...] = (
    Hyperparameter(
        "epochs",
        N_("Epochs"),
        (0, 1, 2, 3, 5, 10, 20, 30, 50, 100),
        N_("How many times it sees each photograph."),
        {0: N_("each method's own")},
    ),
    Hyperparameter(
        "learning_rate",
        N_("Learning rate"),
        (0.0, 1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 0.1, 1.0),
        N_(
            "How far each step goes: too small and it crawls, too large and it jumps about or "
            "diverges. You can change it mid-run; a head trained first has its own rate."
        ),
        {0: N_("each method's own")},
    ),
    Hyperparameter(
        "schedule",
        N_("Learning-rate schedule"),
        SCHEDULES,
        N_(
            "Large steps get close quickly; small ones help it settle. So the rate falls along "
            "the way."
        ),
        {
            "cosine": N_("cosine decay"),
            "constant": N_("constant"),
            "step": N_("step decay"),
            "warm-up": N_("warm-up, then cosine decay"),
        },
    ),
    Hyperparameter(
        "optimiser",
        N_("Optimiser"),
        TRAINING_OPTIMISERS,
        N_(
            "AdamW gives each weight its own step size; choose it if you're unsure. Momentum "
            "means SGD with momentum."
        ),
        {"adamw": N_("AdamW"), "momentum": N_("momentum")},
    ),
    Hyperparameter(
        "momentum",
        N_("Momentum"),
        (0.0, 0.5, 0.8, 0.9, 0.95, 0.99),
        N_(
            "Keeps rolling in the direction of recent steps. Only the “momentum” optimiser uses "
            "this setting; AdamW has its own."
        ),
        {0: N_("none")},
    ),
    Hyperparameter(
        "dropout",
        N_("Dropout"),
        (0.0, 0.1, 0.2, 0.3, 0.4, 0.5),
        N_(
            "Hides random features at each step, so the head doesn't rely on a single clue. You "
            "can change it mid-run."
        ),
        {0: N_("none")},
    ),
    Hyperparameter(
        "weight_decay",
        N_("Weight decay"),
        (0.0, 1e-4, 1e-3, 1e-2, 0.1, 1.0),
        N_(
            "Pulls weights towards zero to limit overfitting (regularisation). You can change it "
            "mid-run."
        ),
        {0: N_("none")},
    ),
    Hyperparameter(
        "batch_size",
        N_("Batch size"),
        (4, 8, 16, 32, 64, 128),
        N_(
            "Photographs used per weight update. Small batches make updates noisy; large ones "
            "mean fewer updates and more memory."
        ),
        {},
    ),
    Hyperparameter(
        "augmentation",
        N_("Augmentation"),
        AUGMENTATIONS,
        N_(
            "Randomly alters each photograph, which can help when you have few. A head on its own "
            "learns from features computed once, so only flipping is available."
        ),
        {
            "none": N_("none"),
            "mirror": N_("horizontal flip"),
            "strong": N_("crop, flip and colour"),
        },
    ),
    Hyperparameter(
        "early_stopping",
        N_("Early stopping"),
        (0, 2, 3, 5, 10),
        N_(
            "Stops after this many epochs without improvement, before it overfits further (learns "
            "by heart)."
        ),
        {0: N_("never")},
    ),
    Hyperparameter(
        "clip_norm",
        N_("Gradient clipping"),
        (0.0, 0.1, 0.5, 1.0, 5.0),
        N_(
            "Limits the gradient's length, so a single odd batch is less likely to wreck the "
            "weights. You can change it mid-run."
        ),
        {0: N_("never")},
    ),
    Hyperparameter(
        "head_first",
        N_("Train the head first"),
        (True, False),
        N_(
            "If all layers learn alongside an untrained head, the pretrained filters get "
            "distorted. That shows on pictures unlike those the network is fine-tuned with. So we "
            "train the head alone first, then unfreeze the rest (linear probing, then "
            "fine-tuning)."
        ),
        {False: N_("no"), True: N_("yes")},
        modes=("last-block", "full"),
    ),
    Hyperparameter(
        "train_batch_norm",
        N_("Batch norm"),
        (False, True),
        N_(
            "Batch normalisation can keep its ImageNet statistics (mean and variance) or measure "
            "new ones. Only applies to unfrozen layers; training from scratch always measures new "
            "ones."
        ),
        {False: N_("frozen"), True: N_("learns")},
        modes=("last-block", "full"),
    ),
    Hyperparameter(
        "input_scaling",
        N_("Input scaling"),
        (True, False),
        N_("Scales pixels as in pretraining. Without it, the network gets values from 0 to 255."),
        {True: N_("as in pretraining"), False: N_("left out")},
    ),
)


def choose_hyperparameters(modes: Sequence[str]) -> dict[str, Any]:
    """Draw all controls, those that do nothing in these ``modes`` in grey; return their values.

    The values are by field.
    """
    found = {}
    st.markdown("**" + _("Hyperparameters") + "**")
    for first in range(0, len(HYPERPARAMETERS), _BESIDE):
        beside = HYPERPARAMETERS[first : first + _BESIDE]
        for column, row in zip(st.columns(_BESIDE), beside, strict=False):
            with column:
                found[row.field] = _control(row, modes)
                st.caption(_(row.sentence))
    return found


def _control(row: Hyperparameter, modes: Sequence[str]) -> Any:
    """A slider for numbers, a list for words."""
    key, default = f"trick_{row.field}", getattr(FineTune, row.field)
    shared: dict[str, Any] = {
        "options": row.values,
        "format_func": lambda value: _spoken(row, value),
        "key": key,
        "on_change": runs.pass_on if row.field in FineTune.controls else None,
        "args": (NAME, row.field, key),
        "disabled": bool(row.modes) and set(row.modes).isdisjoint(modes),
    }
    with link.kept(key, default, row.values):
        if isinstance(default, str | bool):
            return st.selectbox(_(row.label), **shared)
        return st.select_slider(_(row.label), **shared)


def _spoken(row: Hyperparameter, value: Any) -> str:
    return _(row.words[value]) if value in row.words else number(value)
