"""The controls of ideal images; some of them act while a picture grows."""

import random
from dataclasses import replace

import streamlit as st

from pages.drawing.ways import KEEPS_RATE, RATES_OF_OPTIMISERS, SEEDS
from pages.shared import runs
from pages.shared.choose_photo import choose_photo
from pages.shared.words import _
from tl_core.specs import LADDER, RECIPES, IdealImage

NAME = "ideal"  # of the page's run
TV_WEIGHTS = [0, 5, 10, 20, 50, 100, 200, 400, 800]
RATES = [0, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.2]  # 0: the recipe's own


def moved(control: str) -> None:
    """Pass a moved slider on to the running jobs that follow it."""
    value = st.session_state[control]
    run = runs.current(NAME)
    for _label, job in run.jobs if run else []:
        if isinstance(job.spec, IdealImage) and not job.is_over and _listens(job.spec, control):
            if control == "learning_rate" and not value:
                value = replace(job.spec, learning_rate=None).control("learning_rate")
            job.update(**{control: float(value)})


def _listens(spec: IdealImage, control: str) -> bool:
    """Whether a job follows the control: compared recipes and optimisers keep their own values."""
    if control == "mix":
        return spec.target != spec.second_target
    is_rung = spec.tv_weight is None
    has_own_rate = control == "learning_rate" and spec.optimiser in RATES_OF_OPTIMISERS
    return control == "augmentation" or not (is_rung or has_own_rate)


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
    tv, rate, augmentation = st.columns(3)
    with tv:
        weight = _weight()
    with rate:
        learning_rate = _learning_rate()
    strength = augmentation.slider(
        _("Augmentation strength"),
        0.0,
        2.0,
        1.0,
        0.1,
        key="augmentation",
        on_change=moved,
        args=("augmentation",),
        persist_state="session",
        help=_("How much the network's view is shifted, turned and zoomed. Acts at once."),
    )
    return {"tv_weight": weight, "learning_rate": learning_rate, "augmentation": strength}


def _weight() -> float:
    return st.select_slider(
        _("Total-variation weight"),
        TV_WEIGHTS,
        key="tv_weight",
        on_change=moved,
        args=("tv_weight",),
        persist_state="session",
        disabled=st.session_state.get("way") == "ladder",
        help=_("How much neighbouring pixels are asked to agree. Acts while it runs."),
    )


def _learning_rate() -> float | None:
    """The rate that was chosen; ``None`` for the recipe's own."""
    rate = RECIPES[st.session_state.recipe].learning_rate
    own = _("the recipe's: {rate:.2g}").format(rate=rate)
    chosen = st.select_slider(
        _("Learning rate"),
        RATES,
        format_func=lambda value: own if value == 0 else f"{value:g}",
        key="learning_rate",
        on_change=moved,
        args=("learning_rate",),
        persist_state="session",
        disabled=st.session_state.get("way") in KEEPS_RATE,
        help=_("How far the picture moves at each step. Acts while it runs."),
    )
    return chosen or None
