"""The Teach it page: fine-tune a pretrained network on a visitor's own classes."""

from typing import Any

import streamlit as st

from pages.shared import runs
from pages.shared.components import style
from pages.shared.frame import header
from pages.shared.sitemap import TRAINING, TRANSFER, TRICKS
from pages.shared.stage import stage
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, percent
from pages.training import experiment
from pages.training.choose_data import (
    choose_data,
    has_empty_boxes,
    offer_ready_set,
)
from pages.training.code import show_code_of
from pages.training.controls import (
    choose_amount,
    choose_by_itself,
    choose_modes,
    choose_seed,
    shows_all_controls,
)
from pages.training.curve import EXPLANATION, choose_curve, draw_axes, draw_curve
from pages.training.data_preview import look_at
from pages.training.figures import draw_figures
from pages.training.gradients import draw_gradients
from pages.training.hyperparameters import choose_hyperparameters
from pages.training.kept_figures import keep_figures
from pages.training.label_budget import label_budget
from pages.training.model_names import keep_names
from pages.training.panes import panes
from pages.training.result import choose_model, draw_result
from pages.training.run import (
    BEGIN_NOW,
    NAME,
    Way,
    begin,
    begin_by_itself,
    best_of,
    finished,
    say_how_long,
    take_in,
    ways_of,
)
from pages.training.trying import draw_trying
from pages.visit.state import Data
from tl_core.specs.base import DEFAULT_BACKBONE
from tl_core.specs.datasets import OWN_DATASET


def begin_or_stop(data: Data | None, ways: list[Way], settings: dict[str, Any]) -> None:
    """Start, or what stops and pauses; in place of it the built-in set while nothing is there."""
    run = runs.current(NAME)
    if has_empty_boxes() and (run is None or run.is_over):
        offer_ready_set()
        return
    is_ready = data is not None and subject.backbone is not None and bool(ways)
    runs.start_or_stop(
        NAME,
        lambda: data is not None and begin(data, ways, settings),
        is_ready=is_ready,
        is_loud=run is None or not (run.is_over and run.is_by_itself),
        label=_("Start both") if trick else "",
    )


def curve(data: Data | None) -> None:
    """The curves of the run, an example before, and the figures of each method."""
    run = runs.current(NAME)
    if data is not None and subject.backbone is not None and (run is None or run.is_over):
        say_how_long(ways, settings)
    if run is None:
        draw_axes()
    runs.charts(NAME, draw_curve)
    runs.live(NAME, draw_figures)
    if data is not None:
        st.caption(_(EXPLANATION))
    elif has_empty_boxes() and st.session_state.get("present"):
        st.caption(_("Press C to fill the classes, or begin with the built-in data set."))


def what_came_of_it() -> str:
    """The accuracy of the best that is done, or that it is done; nothing before."""
    if not done:
        return ""
    result = done[best_of(done)][2].result
    return percent(result.accuracy) if result and result.is_measured else _("learned")


the_visit().has_corrected = False  # whatever came is drawn now
take_in(finished())
subject = header(TRAINING, has_photo=False, chapter=experiment.chapter)
trick = experiment.chosen()
backbone = subject.backbone
style("training")
classes, learning, trying = stage(picture=46, side=28)
has_all = trick is not None or shows_all_controls()
with classes:
    st.header(_("Classes"), anchor=False)
    data = choose_data(the_lab().backbones.row(backbone or DEFAULT_BACKBONE), has_all=has_all)
    preview_place = st.container()
keep_names()
with learning:
    head = st.container(
        horizontal=True,
        horizontal_alignment="distribute",
        vertical_alignment="center",
        key="learn_head",
    )
    head.header(_("Learn"), anchor=False, width="content")
    if trick is not None:
        with st.container(border=True, gap="small", key="experiment"):
            experiment.describe(trick)
            settings: dict[str, Any] = {"seed": choose_seed()}
        start_place = st.container(key="start_place")
        modes, ways, is_by_itself = [], experiment.ways_of(trick), False
        with head:
            choose_curve()
    else:
        left, *middle, right = st.columns(
            [6, 5, 5] if has_all else [3, 2], gap="small", vertical_alignment="bottom"
        )
        start_place = left.container(key="start_place")
        more = right.popover(
            _("More settings"), icon=":material/tune:", width="stretch", key="more"
        )
        with head if has_all else more:
            is_own = st.session_state.dataset == OWN_DATASET
            is_by_itself = is_own and choose_by_itself()
            choose_curve()
        with middle[0] if has_all else more:
            per_class = choose_amount()
        with st.container() if has_all else more:
            modes = choose_modes()
        ways = ways_of(modes)
        with more:
            settings = {"seed": choose_seed(), "photos_per_class": per_class}
            settings |= choose_hyperparameters(modes)
    curve_place = st.container()
if data is not None:
    with preview_place:
        look_at(data, settings["seed"])
    if backbone is not None:
        settings |= data.named | {"backbone": backbone, "something_else": data.something_else}
        if is_by_itself:
            begin_by_itself(data, modes, settings)
        elif st.session_state.pop(BEGIN_NOW, False):
            begin(data, ways, settings)
with start_place:
    begin_or_stop(data, ways, settings)
with curve_place:
    curve(data)
    if trick is not None:
        experiment.draw_outcome(trick)
    draw_gradients(runs.current(NAME))
done = finished()
take_in(done)
with trying:
    draw_trying(backbone, done, has_all=has_all)
run = runs.current(NAME)
panes(
    is_ready=data is not None,
    is_learning=run is not None and not run.is_over,
    learned=what_came_of_it(),
)
with st.container(key="below"):
    if done:
        keep_figures(done)
        st.header(_("Evaluation: how good is it?"), anchor=False)
        draw_result(*done[choose_model(done)][1:])
    label_budget(data, backbone, settings["seed"])
    if backbone is not None and trick is None:
        show_code_of(modes, backbone, settings)
    st.page_link(TRANSFER.path, label=_(TRANSFER.title), icon=TRANSFER.icon)
    st.page_link(TRICKS.path, label=_("Five experiments on training tricks"), icon=TRICKS.icon)
if not has_all and shows_all_controls():  # the first model has come with this drawing
    st.rerun()
