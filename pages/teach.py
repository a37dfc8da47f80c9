"""The Teach it page: fine-tune a pretrained network on a visitor's own classes."""

from typing import Any

import streamlit as st

from pages.shared import runs
from pages.shared.components import style
from pages.shared.frame import header
from pages.shared.sitemap import TEACH
from pages.shared.visit import the_visit
from pages.shared.words import _, lesson, show_error
from pages.state import Data
from pages.teaching.choose_data import choose_data
from pages.teaching.data_preview import look_at
from pages.teaching.label_budget import label_budget
from pages.teaching.own_models import own_models
from pages.teaching.result import draw_result
from pages.teaching.run import WAYS, draw_axes, draw_run, snapshot_of
from pages.teaching.tricks import NAME, tricks
from tl_core.lab import UserError
from tl_core.specs import FineTune

AMOUNTS = [1, 2, 4, 8, 16, 50, 100, 300, 1000, 0]


def train(data: Data, backbone: str) -> None:
    """The controls of training, and the button that starts it."""
    modes = st.pills(
        _("Ways to teach, one or several at once"),
        list(WAYS),
        selection_mode="multi",
        default=["head"],
        format_func=lambda key: _(WAYS[key]),
        key="mode",
        persist_state="session",
    )
    amount, beside = st.columns([3, 1])
    per_class = amount.select_slider(
        _("Photographs a class to learn from, at most"),
        AMOUNTS,
        100,
        format_func=lambda count: str(count) if count else _("all"),
        key="photos_per_class",
        persist_state="session",
    )
    beside.number_input(
        _("Seed"),
        0,
        2**32 - 1,
        key="seed",
        persist_state="session",
        help=_("Decides which photographs are for the test, and where the head begins."),
    )
    settings = tricks(modes) | {"backbone": backbone, "seed": seed()}
    settings |= {"dataset": data.dataset, "photos": data.photos, "photos_per_class": per_class}
    words, icon = _("Start"), ":material/school:"
    if st.button(words, key="start", type="primary", icon=icon, disabled=not modes):
        begin(modes, settings)
    if runs.current(NAME) is None:
        draw_axes()


def begin(modes: list[str], settings: dict[str, Any]) -> None:
    """Start one job a way."""
    try:
        specs = [(_(WAYS[mode]), FineTune(mode=mode, **settings)) for mode in modes]
    except UserError as error:
        show_error(error)
        return
    the_visit().thumbnails.clear()
    for about_the_last_run in ("cell", "own_model"):
        st.session_state.pop(about_the_last_run, None)
    runs.begin(NAME, _("Learning"), specs)


def seed() -> int:
    """The seed that also divides the data."""
    return int(st.session_state.get("seed", 0))


def finished() -> dict[str, tuple[str, FineTune, Any]]:
    """The ways of the page's run that are done, by their model: label, spec, snapshot."""
    run = runs.current(NAME)
    found = {}
    for label, job in run.jobs if run else []:
        snapshot = snapshot_of(job)
        if snapshot is not None and snapshot.result is not None and isinstance(job.spec, FineTune):
            found[snapshot.result.model] = (label, job.spec, snapshot)
    return found


bench = header(TEACH, panel="_backbone")
backbone = bench.backbone
style("square_photos")
st.header(_("What shall it learn?"), anchor=False)
data = choose_data()
if data is not None:
    look_at(data, seed())
    if backbone is not None:
        st.header(_("How shall it learn?"), anchor=False)
        st.markdown(lesson("teach")["ways"])
        train(data, backbone)
runs.live(NAME, draw_run)
done = finished()
if done:
    st.header(_("How good is it?"), anchor=False)
    shown = max(done, key=lambda key: done[key][2].result.accuracy)
    if len(done) > 1:
        shown = st.segmented_control(
            _("Look closer at"),
            list(done),
            default=shown,
            required=True,
            format_func=lambda key: done[key][0],
            key="closer",
        )
    draw_result(*done[shown][1:])
own_models(bench.photo)
label_budget(data, backbone, seed())
st.header(_("When does borrowing help?"), anchor=False)
st.markdown(lesson("teach")["challenge"])
