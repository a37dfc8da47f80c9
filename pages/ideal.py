"""The Ideal image page: the network draws what it would most like to see."""

from typing import Any

import streamlit as st

from pages.widgets import gallery, runs
from pages.widgets.backbone import choose_backbone
from pages.widgets.frame import header
from pages.widgets.goal import Goal, choose_goals
from pages.widgets.ideal_view import draw_run
from pages.widgets.photo import choose_photo
from pages.widgets.sitemap import IDEAL
from pages.widgets.visit import the_lab
from pages.widgets.words import _, lesson
from tl_core.specs import LADDER, RECIPES, IdealImage

NAME = "ideal"
TV_WEIGHTS = [0, 5, 10, 20, 50, 100, 200, 400, 800]
RATES = [0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.2]
WAYS = {
    "one": "one picture",
    "ladder": "the ladder: five recipes",
    "optimisers": "three optimisers",
    "seeds": "three seeds",
}


def moved(control: str) -> None:
    """Hand a moved slider to the run under way."""
    runs.steer(NAME, **{control: float(st.session_state[control])})


def take_recipe() -> None:
    """Put the sliders where the chosen recipe has them."""
    weight = RECIPES[st.session_state.recipe].tv_weight
    st.session_state.tv_weight = min(TV_WEIGHTS, key=lambda value: abs(value - weight))
    take_rate()


def take_rate() -> None:
    """Put the learning rate where the chosen recipe has it for so many steps."""
    rate = RECIPES[st.session_state.recipe].learning_rate_for(st.session_state.steps)
    st.session_state.learning_rate = min(RATES, key=lambda value: abs(value - rate))


def sliders() -> dict[str, float]:
    """The controls that act while a picture grows."""
    if "tv_weight" not in st.session_state:
        take_recipe()
    tv, rate, augmentation = st.columns(3)
    values = {
        "tv_weight": tv.select_slider(
            _("Total-variation weight"),
            TV_WEIGHTS,
            key="tv_weight",
            on_change=moved,
            args=("tv_weight",),
            help=_("How much neighbouring pixels are asked to agree. Acts while it runs."),
        ),
        "learning_rate": rate.select_slider(
            _("Learning rate"),
            RATES,
            key="learning_rate",
            on_change=moved,
            args=("learning_rate",),
            help=_("How far the picture moves at each step. Acts while it runs."),
        ),
        "augmentation": augmentation.slider(
            _("Augmentation strength"),
            0.0,
            2.0,
            1.0,
            0.1,
            key="augmentation",
            on_change=moved,
            args=("augmentation",),
            help=_("How much the network's view is shifted, turned and zoomed. Acts at once."),
        ),
    }
    return {name: float(value) for name, value in values.items()}


def specs(goals: list[Goal], controls: dict[str, float]) -> list[tuple[str, IdealImage]]:
    """What the start button starts: several goals in one way, or one in several."""
    seed = int(st.session_state.seed)
    common = {
        "backbone": backbone,
        "seed": seed,
        "steps": int(st.session_state.steps),
        "photo": str(st.session_state.sample) if st.session_state.from_photo else "",
    }
    if len(goals) != 1:
        mine = {"recipe": st.session_state.recipe, **controls, **common}
        return [(goal.label, IdealImage(**mine | goal.fields)) for goal in goals]
    return ways(goals[0], common | goals[0].fields, controls)


def ways(
    goal: Goal, common: dict[str, Any], controls: dict[str, float]
) -> list[tuple[str, IdealImage]]:
    """One goal as the visitor wants to see it."""
    way, seed = st.session_state.way, int(st.session_state.seed)
    if way == "ladder":
        return [(_(row.label), IdealImage(recipe=row.key, **common)) for row in LADDER]
    mine = {"recipe": st.session_state.recipe, **controls, **common}
    if way == "optimisers":
        rates = {"descent": 1.0, "momentum": 0.5, "adam": controls["learning_rate"]}
        return [
            (name, IdealImage(**mine | {"optimiser": name, "learning_rate": rate}))
            for name, rate in rates.items()
        ]
    if way == "seeds":
        return [
            (_("seed {seed}").format(seed=seed + i), IdealImage(**mine | {"seed": seed + i}))
            for i in range(3)
        ]
    return [(goal.label, IdealImage(**mine))]


header(IDEAL, "ideal")
backbone = choose_backbone()
if backbone is not None:
    goals = choose_goals(the_lab().row(backbone), the_lab().classes(backbone), steer=moved)
    if len(goals) == 1:
        st.segmented_control(
            _("Draw"),
            list(WAYS),
            default="one",
            required=True,
            key="way",
            format_func=lambda key: _(WAYS[key]),
        )
    steps, seed = st.columns([3, 1])
    steps.select_slider(
        _("Steps"), [64, 128, 256, 512, 1024], 256, key="steps", on_change=take_rate
    )
    seed.number_input(_("Seed"), 0, 2**32 - 1, 0, key="seed")
    with st.expander(_("Recipe and start")):
        st.radio(
            _("Recipe"),
            [row.key for row in LADDER],
            index=len(LADDER) - 1,
            format_func=lambda key: _(RECIPES[key].label),
            captions=[_(row.why) for row in LADDER],
            key="recipe",
            on_change=take_recipe,
        )
        if st.toggle(_("Start from a photograph instead of noise"), key="from_photo"):
            choose_photo()
    controls = sliders()
    started = specs(goals, controls)
    seconds = the_lab().estimate_s([spec for _label, spec in started])
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            _("Start"),
            key="start",
            type="primary",
            icon=":material/play_arrow:",
            disabled=not started,
        ):
            runs.begin(NAME, " · ".join(goal.label for goal in goals), started)
        st.caption(_("About {seconds:.0f} s, with everyone's runs now.").format(seconds=seconds))
    runs.panel(NAME, draw_run)
    gallery.show()
    st.markdown(lesson("ideal")["why rungs"])
