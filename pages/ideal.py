"""The Ideal image page: optimise a picture until the network is sure of its class."""

import streamlit as st

from pages.drawing import gallery
from pages.drawing.controls import choose_length_and_seed, choose_recipe_and_start, sliders
from pages.drawing.goals import choose_goals
from pages.drawing.moves import NAME
from pages.drawing.run_view import draw_run, take_start
from pages.drawing.ways import KEEPS_RATE, choose_way, specs
from pages.shared import runs
from pages.shared.choose_backbone import choose_backbone
from pages.shared.frame import header
from pages.shared.sitemap import IDEAL
from pages.shared.visit import the_lab
from pages.shared.words import _, lesson

header(IDEAL, "ideal")
take_start()
backbone = choose_backbone(panel="_backbone")
if backbone is not None:
    backbones = the_lab().backbones
    goals = choose_goals(backbones.row(backbone), backbones.classes(backbone))
    if len(goals) == 1:
        choose_way()
    choose_length_and_seed()
    choose_recipe_and_start()
    controls = sliders()
    if st.session_state.get("way") in KEEPS_RATE:
        st.caption(_(KEEPS_RATE[st.session_state.way]))
    started = specs(backbone, goals, controls)
    seconds = the_lab().jobs.estimate_s([spec for _label, spec in started])
    with st.container(horizontal=True, vertical_alignment="center"):
        words, icon = _("Start"), ":material/play_arrow:"
        if st.button(words, key="start", type="primary", icon=icon, disabled=not started):
            runs.begin(NAME, " · ".join(goal.label for goal in goals), started)
        st.caption(_("About {seconds:.0f} s, with everyone's runs now.").format(seconds=seconds))
runs.panel(NAME, draw_run)
gallery.show()
st.markdown(lesson("ideal")["why rungs"])
