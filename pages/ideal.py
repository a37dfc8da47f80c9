"""The Ideal image page: the network draws what it would most like to see."""

import random
from dataclasses import replace
from typing import Any

import streamlit as st

from pages.drawing import gallery
from pages.drawing.goals import Goal, choose_goals
from pages.drawing.ideal_view import draw_run, take_start
from pages.shared import runs
from pages.shared.choose_backbone import choose_backbone
from pages.shared.choose_photo import choose_photo
from pages.shared.frame import header
from pages.shared.sitemap import IDEAL
from pages.shared.visit import the_lab
from pages.shared.words import _, lesson
from tl_core.specs import LADDER, RECIPES, IdealImage

NAME = "ideal"
TV_WEIGHTS = [0, 5, 10, 20, 50, 100, 200, 400, 800]
RATES = [0, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.2]  # 0: the recipe's own
RATES_OF_OPTIMISERS = {"descent": 1.0, "momentum": 0.3, "adam": 0.08}
SEEDS = 2**32
KEPT = {
    "ladder": "Every rung keeps its recipe's own weight and learning rate.",
    "optimisers": "Every optimiser keeps a learning rate that suits it.",
}
WAYS = {
    "one": "one picture",
    "ladder": "the ladder: five recipes",
    "optimisers": "three optimisers",
    "seeds": "three seeds",
}


def moved(control: str) -> None:
    """Hand a moved slider to the runs under way that listen to it."""
    value = st.session_state[control]
    run = runs.current(NAME)
    for _label, job in run.jobs if run else []:
        if not job.is_over and listens(job.spec, control):
            if control == "learning_rate" and not value:
                value = replace(job.spec, learning_rate=None).control("learning_rate")
            job.update(**{control: float(value)})


def listens(spec: IdealImage, control: str) -> bool:
    """Whether a run follows the control: rungs and compared optimisers keep what is theirs."""
    if control == "mix":
        return spec.target != spec.second_target
    is_rung = spec.tv_weight is None
    has_own_rate = control == "learning_rate" and spec.optimiser in RATES_OF_OPTIMISERS
    return control == "augmentation" or not (is_rung or has_own_rate)


def take_recipe() -> None:
    """Put the weight where the chosen recipe has it."""
    weight = RECIPES[st.session_state.get("recipe", "ideal")].tv_weight
    st.session_state.tv_weight = min(TV_WEIGHTS, key=lambda value: abs(value - weight))
    moved("tv_weight")


def own_rate() -> str:
    """The learning rate that the chosen recipe has, in words."""
    rate = RECIPES[st.session_state.recipe].learning_rate
    return _("the recipe's: {rate:.2g}").format(rate=rate)


def new_seed() -> None:
    """Another noise to start from."""
    st.session_state.seed = random.randrange(10_000)


def sliders() -> dict[str, float | None]:
    """The controls that act while a picture grows."""
    if "tv_weight" not in st.session_state:
        take_recipe()
    way, own = st.session_state.get("way"), own_rate()
    tv, rate, augmentation = st.columns(3)
    values = {
        "tv_weight": tv.select_slider(
            _("Total-variation weight"),
            TV_WEIGHTS,
            key="tv_weight",
            on_change=moved,
            args=("tv_weight",),
            persist_state="session",
            disabled=way == "ladder",
            help=_("How much neighbouring pixels are asked to agree. Acts while it runs."),
        ),
        "learning_rate": rate.select_slider(
            _("Learning rate"),
            RATES,
            format_func=lambda value: own if value == 0 else f"{value:g}",
            key="learning_rate",
            on_change=moved,
            args=("learning_rate",),
            persist_state="session",
            disabled=way in KEPT,
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
            persist_state="session",
            help=_("How much the network's view is shifted, turned and zoomed. Acts at once."),
        ),
    }
    return values | {"learning_rate": values["learning_rate"] or None}


def specs(goals: list[Goal], controls: dict[str, float | None]) -> list[tuple[str, IdealImage]]:
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
    goal: Goal, common: dict[str, Any], controls: dict[str, float | None]
) -> list[tuple[str, IdealImage]]:
    """One goal as the visitor wants to see it."""
    way, seed = st.session_state.way, int(st.session_state.seed)
    if way == "ladder":
        return [(_(row.label), IdealImage(recipe=row.key, **common)) for row in LADDER]
    mine = {"recipe": st.session_state.recipe, **controls, **common}
    if way == "optimisers":
        return [
            (name, IdealImage(**mine | {"optimiser": name, "learning_rate": rate}))
            for name, rate in RATES_OF_OPTIMISERS.items()
        ]
    if way == "seeds":
        seeds = [(seed + i) % SEEDS for i in range(3)]
        return [(_("seed {seed}").format(seed=s), IdealImage(**mine | {"seed": s})) for s in seeds]
    return [(goal.label, IdealImage(**mine))]


header(IDEAL, "ideal")
take_start()
backbone = choose_backbone(panel="_backbone")
if backbone is not None:
    goals = choose_goals(the_lab().row(backbone), the_lab().classes(backbone), steer=moved)
    if len(goals) == 1:
        st.segmented_control(
            _("Draw"),
            list(WAYS),
            default="one",
            required=True,
            key="way",
            persist_state="session",
            format_func=lambda key: _(WAYS[key]),
        )
    steps, seed, new = st.columns([6, 2, 1], vertical_alignment="bottom")
    steps.select_slider(_("Steps"), runs.STEPS, 256, key="steps", persist_state="session")
    seed.number_input(_("Seed"), 0, SEEDS - 1, key="seed", persist_state="session")
    new.button(
        "", key="new_seed", icon=":material/casino:", on_click=new_seed, help=_("A new seed")
    )
    with st.expander(_("Recipe and start"), expanded=st.session_state.get("from_photo", False)):
        st.radio(
            _("Recipe"),
            [row.key for row in LADDER],
            index=len(LADDER) - 1,
            format_func=lambda key: _(RECIPES[key].label),
            captions=[_(row.why) for row in LADDER],
            key="recipe",
            persist_state="session",
            on_change=take_recipe,
        )
        if st.toggle(
            _("Start from a photograph instead of noise"),
            key="from_photo",
            persist_state="session",
        ):
            choose_photo()
    controls = sliders()
    if st.session_state.get("way") in KEPT:
        st.caption(_(KEPT[st.session_state.way]))
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
