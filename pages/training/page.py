"""The Teach it page: fine-tune a pretrained network on a visitor's own classes."""

import streamlit as st

from pages.shared import runs
from pages.shared.components import style
from pages.shared.frame import header
from pages.shared.sitemap import TRAINING
from pages.shared.sources import sources
from pages.shared.stage import stage
from pages.shared.words import _, lesson
from pages.training.choose_data import (
    choose_data,
    has_empty_boxes,
    offer_ready_set,
    offer_small_download,
)
from pages.training.code import show_code_of
from pages.training.controls import choose_amount, choose_modes, more_settings
from pages.training.curve import EXPLANATION, NO_DATA, choose_curve, draw_axes, draw_curve
from pages.training.data_preview import look_at
from pages.training.figures import draw_figures
from pages.training.kept_figures import keep_figures
from pages.training.label_budget import label_budget
from pages.training.load_model import load_model
from pages.training.result import choose_model, draw_result
from pages.training.run import NAME, begin, finished
from pages.training.trying import draw_trying

subject = header(TRAINING, panel="_backbone")
backbone = subject.backbone
style("training")
classes, learning, trying = stage(picture=46, side=28)
with learning:
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.header(_("Training"), anchor=False, width="content")
        choose_curve()
    left, middle, right = st.columns([6, 5, 5], gap="small", vertical_alignment="bottom")
    start_place = left.container(key="start_place")
    with middle:
        per_class = choose_amount()
    modes = choose_modes()
    with right:
        settings = more_settings(modes)
    curve_place = st.container()
seed = int(st.session_state.seed)
with classes:
    st.header(_("Classes"), anchor=False)
    data = choose_data()
    if data is not None:
        look_at(data, seed)
if data is not None and backbone is not None:
    settings |= data.named | {"photos_per_class": per_class, "backbone": backbone, "seed": seed}
with start_place:
    is_ready = data is not None and backbone is not None and bool(modes)
    run = runs.current(NAME)
    if has_empty_boxes() and (run is None or run.is_over):
        offer_ready_set()
    else:
        runs.start_or_stop(NAME, lambda: begin(modes, settings), is_ready=is_ready)
with curve_place:
    if run is None:
        draw_axes()
    runs.charts(NAME, draw_curve)
    st.caption(_(EXPLANATION if data is not None else NO_DATA))
    if has_empty_boxes():
        offer_small_download()
    runs.live(NAME, draw_figures)
with trying:
    st.header(_("Try it"), anchor=False)
    draw_trying(subject.photo, backbone)
done = finished()
if done:
    keep_figures(done)
    st.header(_("Evaluation: how good is it?"), anchor=False)
    draw_result(*done[choose_model(done)][1:])
label_budget(data, backbone, seed)
if backbone is not None:
    chosen = settings | {"photos_per_class": per_class, "seed": seed}
    show_code_of(modes, backbone, chosen)
st.header(_("When does transfer learning help?"), anchor=False)
for part in ("idea", "ways", "challenge"):
    st.markdown(lesson("training")[part])
load_model()
sources(TRAINING)
