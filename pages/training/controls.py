"""The controls of training: the modes, how many photographs, and the rest one click away."""

import streamlit as st

from pages.shared import link
from pages.shared.own_models import own_models
from pages.shared.words import _
from tl_core.specs.training import MODES, mode_row

_AMOUNTS = [1, 2, 4, 8, 16, 50, 100, 300, 1000, 0]
_SEEDS = 2**32
_KEYS = [row.key for row in MODES]
_USUAL = {"mode": "head", "photos_per_class": "100", "curve": "accuracy"}


def shows_all_controls() -> bool:
    """Whether methods and settings are in view; until there is a model they wait behind *More*.

    A link that chooses among them brings them into view.
    """
    state = st.session_state
    linked = state.get("linked", {})
    is_asked = any(linked.get(key, usual) != usual for key, usual in _USUAL.items())
    state.all_controls = state.get("all_controls", False) or is_asked or bool(own_models())
    return bool(state.all_controls)


def choose_modes() -> list[str]:
    """The modes of training, one or several at once."""
    with link.kept("mode", ["head"], _KEYS):
        modes = st.pills(
            _("Training methods: choose one or more"),
            _KEYS,
            selection_mode="multi",
            format_func=lambda key: _(mode_row(key).short),
            key="mode",
            label_visibility="collapsed",
        )
    return list(modes)


def choose_amount() -> int:
    """The photographs of each class to learn from, at most; 0 for all."""
    with link.kept("photos_per_class", 100, _AMOUNTS):
        amount = st.select_slider(
            _("Maximum photographs per class"),
            _AMOUNTS,
            format_func=lambda count: str(count) if count else _("all"),
            key="photos_per_class",
        )
    return int(amount)


def choose_by_itself() -> bool:
    """Whether a new head is taught by itself, once there are photographs and when they change."""
    with link.kept("by_itself", True):
        return st.toggle(
            _("Learn by itself"),
            key="by_itself",
            help=_(
                "The lab trains a new head once two classes have four photographs each, and again "
                "when you add or remove some."
            ),
        )


def choose_seed() -> int:
    """The seed of all that is drawn at random."""
    with link.kept("seed", 0, between=(0, _SEEDS - 1)):
        seed = st.number_input(
            _("Seed"),
            0,
            _SEEDS - 1,
            key="seed",
            help=_(
                "Decides which photographs are kept for validation, the order of the others, and "
                "the random weights."
            ),
        )
    return int(seed)
