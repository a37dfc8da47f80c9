"""The controls of ideal images; some of them act while a picture grows."""

import random

import streamlit as st

from pages.ideal.comparisons import KEEPS_RATE, SEEDS, choose_comparison, comparison
from pages.ideal.goals import KINDS
from pages.ideal.live_controls import acting, moved
from pages.shared import link, runs
from pages.shared.choose_one import choose_one
from pages.shared.words import _, number
from tl_core.specs.ideal_recipes import LADDER, RECIPES

TV_WEIGHTS = [0, 5, 10, 20, 50, 100, 200, 400, 800]
RATES = [0, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.2]  # 0: the recipe's own
_LESSONS = 0.005 * 3 * 224 * 224  # its weight of a sum over all values, as one of their mean


def more_settings() -> None:
    """Everything but the class and the weight of total variation, one click away."""
    with st.popover(_("More settings"), icon=":material/tune:", width="stretch", key="more"):
        choose_one(_("Objective: what to draw"), KINDS, key="goal", default="class")
        choose_comparison()
        _length_and_seed()
        _recipe_and_start()
        _learning_rate_and_views()


def tv_slider() -> None:
    """The weight of total variation, which acts while a picture grows."""
    ours = _nearest(LADDER[-1].tv_weight)
    marks = {0: _("without"), _nearest(_LESSONS): _("the lesson's"), ours: _("ours")}
    with link.kept("tv_weight", _own_weight(), TV_WEIGHTS):
        st.select_slider(
            _("Total-variation weight"),
            TV_WEIGHTS,
            format_func=lambda w: f"{w} · {marks[w]}" if w in marks else str(w),
            disabled=comparison() == "ladder",
            help=_(
                "A penalty on differences between neighbouring pixels (regularisation). Two "
                "weights are marked: the one from the lesson that this lab follows, and ours. You "
                "can change it while it runs."
            ),
            **acting("tv_weight"),
        )


def choices() -> dict[str, float | str | None]:
    """The recipe and the controls that act while a picture grows, by their fields of the spec."""
    state = st.session_state
    return {
        "recipe": state.recipe,
        "tv_weight": state.tv_weight,
        "learning_rate": state.learning_rate or None,  # ``None``: the recipe's own
        "augmentation": state.augmentation,
    }


def _own_weight() -> int:
    """The weight that the chosen recipe has."""
    return _nearest(RECIPES[st.session_state.get("recipe", LADDER[-1].key)].tv_weight)


def _nearest(weight: float) -> int:
    return min(TV_WEIGHTS, key=lambda value: abs(value - weight))


def _length_and_seed() -> None:
    """How many steps, and the noise to start from."""
    steps, seed, new = st.columns([5, 3, 1], vertical_alignment="bottom")
    with steps, link.kept("steps", 256, runs.STEPS):
        st.select_slider(_("Steps"), runs.STEPS, key="steps")
    with seed, link.kept("seed", 0, between=(0, SEEDS - 1)):
        words = _("The noise to start from: the same seed gives the same picture")
        st.number_input(_("Seed"), 0, SEEDS - 1, key="seed", help=words)
    icon, words = ":material/casino:", _("A new seed")
    new.button("", key="new_seed", icon=icon, on_click=_new_seed, help=words)


def _new_seed() -> None:
    st.session_state.seed = random.randrange(10_000)


def _recipe_and_start() -> None:
    """The recipe, and a photograph to start from instead of noise."""
    recipes = [row.key for row in LADDER]
    with link.kept("recipe", recipes[-1], recipes):
        st.radio(
            _("Recipe"),
            recipes,
            format_func=lambda key: _(RECIPES[key].label),
            captions=[_(row.why) for row in LADDER],
            key="recipe",
            on_change=_take_recipe,
        )
    with link.kept("from_photo", default=False):
        st.toggle(
            _("Start from a photograph instead of noise"), key="from_photo", on_change=_take_start
        )


def _take_start() -> None:
    """Keep the choice at once: the bar above, which is drawn before, then has a photograph."""
    link.set_choice("from_photo", st.session_state.from_photo)


def _take_recipe() -> None:
    """Set the weight's slider to the value of the chosen recipe."""
    st.session_state.tv_weight = _own_weight()
    moved("tv_weight")


def _learning_rate_and_views() -> None:
    keeps, recipe = KEEPS_RATE.get(comparison()), RECIPES[st.session_state.recipe]
    own_rate = _("the recipe's: {rate:.2g}").format(rate=recipe.learning_rate)
    rate, augmentation = st.columns(2)
    with rate, link.kept("learning_rate", 0, RATES):
        st.select_slider(
            _("Learning rate"),
            RATES,
            format_func=lambda value: number(value) if value else own_rate,
            disabled=keeps is not None,
            help=_(
                "How far the picture moves along the gradient at each step. You can change it "
                "while it runs."
            ),
            **acting("learning_rate"),
        )
    with augmentation, link.kept("augmentation", 1.0, between=(0, 2)):
        st.slider(
            _("Augmentation strength"),
            0.0,
            2.0,
            step=0.1,
            help=_("How much we shift, turn and zoom what the network sees. Takes effect at once."),
            **acting("augmentation"),
        )
    if keeps is not None:
        st.caption(_(keeps))
