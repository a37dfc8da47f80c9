"""The controls of ideal images; some of them act while a picture grows."""

import random

import streamlit as st

from pages.drawing.moves import acting, moved
from pages.drawing.ways import KEEPS_RATE, SEEDS
from pages.shared import runs
from pages.shared.choose_photo import choose_photo
from pages.shared.words import _
from tl_core.specs import LADDER, RECIPES

TV_WEIGHTS = [0, 5, 10, 20, 50, 100, 200, 400, 800]
RATES = [0, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.2]  # 0: the recipe's own


def choose_length_and_seed() -> None:
    """How many steps, and the noise to start from."""
    steps, seed, new = st.columns([6, 2, 1], vertical_alignment="bottom")
    steps.select_slider(_("Steps"), runs.STEPS, 256, key="steps", persist_state="session")
    seed.number_input(_("Seed"), 0, SEEDS - 1, key="seed", persist_state="session")
    new.button(
        "", key="new_seed", icon=":material/casino:", on_click=_new_seed, help=_("A new seed")
    )


def _new_seed() -> None:
    st.session_state.seed = random.randrange(10_000)


def choose_recipe_and_start() -> None:
    """The recipe, and a photograph to start from instead of noise."""
    with st.expander(_("Recipe and start"), expanded=st.session_state.get("from_photo", False)):
        st.radio(
            _("Recipe"),
            [row.key for row in LADDER],
            index=len(LADDER) - 1,
            format_func=lambda key: _(RECIPES[key].label),
            captions=[_(row.why) for row in LADDER],
            key="recipe",
            persist_state="session",
            on_change=_take_recipe,
        )
        if st.toggle(
            _("Start from a photograph instead of noise"), key="from_photo", persist_state="session"
        ):
            choose_photo()


def _take_recipe() -> None:
    """Set the weight's slider to the value of the chosen recipe."""
    weight = RECIPES[st.session_state.get("recipe", "ideal")].tv_weight
    st.session_state.tv_weight = min(TV_WEIGHTS, key=lambda value: abs(value - weight))
    moved("tv_weight")


def sliders() -> dict[str, float | None]:
    """The controls that act while a picture grows, by their fields of the spec."""
    if "tv_weight" not in st.session_state:
        _take_recipe()
    way, recipe = st.session_state.get("way"), RECIPES[st.session_state.recipe]
    own_rate = _("the recipe's: {rate:.2g}").format(rate=recipe.learning_rate)
    tv, rate, augmentation = st.columns(3)
    weight = tv.select_slider(
        _("Total-variation weight"),
        TV_WEIGHTS,
        disabled=way == "ladder",
        help=_("How much neighbouring pixels are asked to agree. Acts while it runs."),
        **acting("tv_weight"),
    )
    learning_rate = rate.select_slider(
        _("Learning rate"),
        RATES,
        format_func=lambda value: f"{value:g}" if value else own_rate,
        disabled=way in KEEPS_RATE,
        help=_("How far the picture moves at each step. Acts while it runs."),
        **acting("learning_rate"),
    )
    strength = augmentation.slider(
        _("Augmentation strength"),
        0.0,
        2.0,
        1.0,
        0.1,
        help=_("How much the network's view is shifted, turned and zoomed. Acts at once."),
        **acting("augmentation"),
    )
    return {
        "tv_weight": weight,
        "learning_rate": learning_rate or None,  # ``None``: the recipe's own
        "augmentation": strength,
    }
