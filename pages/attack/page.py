"""The Fool it page: an adversarial attack on a photograph within a budget of levels."""

import streamlit as st

from pages.attack.attack_view import draw_curve, draw_pair, draw_untouched
from pages.attack.controls import choose_goal, epsilon_slider, more_settings, with_settings
from pages.attack.finished_attack import draw_finished, draw_measures
from pages.attack.smallest_view import draw_smallest
from pages.shared import runs
from pages.shared.frame import header
from pages.shared.show_code import show_code
from pages.shared.sitemap import ATTACK
from pages.shared.sources import sources
from pages.shared.stage import stage
from pages.shared.words import _, lesson
from tl_core.specs.attack import Attack, SmallestBudget

_A_DOG = "sample:dalmatian"
_CHOSEN = ("photo", "backbone", "target", "avoid")

subject = header(ATTACK, first_photo=_A_DOG)
backbone, photo = subject.backbone, subject.photo
rail, picture, _side = stage(picture=90, side=0)
goal_place, start_place = rail.container(), rail.container(key="start_place")
curve_place = rail.container()
smallest = None
if backbone is not None:
    with rail:
        epsilon_slider()
        more_settings(backbone)
    with goal_place:
        target, avoid = choose_goal(backbone)
    attack = Attack(photo=photo, backbone=backbone, target=target, avoid=avoid)
    smallest = SmallestBudget(photo=photo, backbone=backbone, target=target, avoid=avoid)
    with start_place:
        specs = [("", with_settings(attack))]
        runs.start_or_stop(ATTACK.topic, lambda: runs.begin(ATTACK.topic, specs))
run = runs.current(ATTACK.topic)
if run is not None and backbone is not None and not runs.is_about(run, attack, *_CHOSEN):
    run = None  # something else is chosen by now
with picture:
    if run is not None and run.jobs:
        runs.live(ATTACK.topic, draw_pair)
        with curve_place:
            runs.charts(ATTACK.topic, draw_curve)
    elif backbone is not None:
        draw_untouched(photo, backbone)
if run is not None and run.is_over and run.jobs:
    draw_finished(run.jobs[0][1], smallest)
else:
    st.header(_("How small a change is enough?"), anchor=False)
    draw_smallest(smallest)
is_shown = show_code(ATTACK, None if backbone is None else with_settings(attack))
if is_shown is not False and run is not None and run.is_over and run.jobs:
    draw_measures(run.jobs[0][1])
st.markdown(lesson("attack")["honest"])
sources(ATTACK)
