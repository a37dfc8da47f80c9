"""The Ideal image page: optimise a picture until the network is sure of its class."""

import streamlit as st

from pages.ideal import gallery
from pages.ideal.comparisons import specs as make_specs
from pages.ideal.controls import choices, more_settings, tv_slider
from pages.ideal.goals import choose_goals
from pages.ideal.run_view import draw_charts, draw_enough, draw_pictures, say_start
from pages.ideal.start_view import draw_first, draw_start
from pages.shared import link, runs
from pages.shared.frame import header
from pages.shared.show_code import show_code
from pages.shared.sitemap import IDEAL
from pages.shared.sources import sources
from pages.shared.stage import stage
from pages.shared.visit import the_lab
from pages.shared.words import _, lesson

_ALIKE = 0.8  # of the longer estimate: a shorter one is said too
_CHOSEN = ("backbone", "target", "second_target", "layer", "channel", "photo")

say_start()
subject = header(IDEAL, has_photo=link.is_chosen("from_photo", default=False))
run = runs.current(IDEAL.topic)
rail, picture, side = stage() if run is None or len(run.jobs) < 2 else stage(picture=85, side=0)
if subject.backbone is not None:
    with rail:
        goal_place, start_place = st.container(), st.container(key="start_place")
        tv_place = st.container()
        more_settings()
    with tv_place:
        tv_slider()
    with goal_place:
        goals = choose_goals(subject.backbone)
    specs = make_specs(subject.backbone, subject.photo, goals, choices())
    with start_place:
        runs.start_or_stop(
            IDEAL.topic, lambda: runs.begin(IDEAL.topic, specs), is_ready=bool(specs)
        )
        if run is None or run.is_over:
            low, high = the_lab().jobs.estimate_range_s([spec for _label, spec in specs])
            words = _("About {high:.0f} s at the current load.")
            if low < _ALIKE * high:
                words = _("About {low:.0f} to {high:.0f} s, depending on the load.")
            st.caption(words.format(low=low, high=high))
        else:
            runs.charts(IDEAL.topic, draw_enough, place="enough")
    if run is not None and len(run.jobs) == 1 and specs:
        run = run if runs.is_about(run, specs[0][1], *_CHOSEN) else None
    if run is None and specs:
        with picture:
            is_example = draw_first(goals[0], specs[0][1])
        if is_example:
            with side, st.container(key="noise"):
                draw_start(specs[0][1])
if run is not None:
    with picture:
        runs.live(IDEAL.topic, draw_pictures)
    with side:
        runs.charts(IDEAL.topic, draw_charts)
gallery.show()
show_code(IDEAL, specs[0][1] if specs else None)
st.markdown(lesson("ideal")["why rungs"])
sources(IDEAL)
