"""The Fool it page: an adversarial attack on a photograph within a budget of levels."""

from dataclasses import replace

import streamlit as st

from pages.fooling.attack_view import draw_attack, draw_smallest
from pages.fooling.finished_attack import NAME, draw_finished
from pages.shared import runs
from pages.shared.choose_backbone import choose_backbone, usable
from pages.shared.choose_class import are_imagenets, choose_class
from pages.shared.choose_one import choose_one
from pages.shared.choose_photo import choose_photo
from pages.shared.frame import header
from pages.shared.sitemap import ATTACK
from pages.shared.visit import the_lab
from pages.shared.words import _, lesson
from tl_core.specs import ATTACK_METHODS, GROUPS, Attack, SmallestBudget

SMALLEST = "smallest"
_A_DOG = "sample:bull-mastiff"
LEVELS = [0, 1, 2, 4, 8, 16, 32, 64]


def choose_goal() -> tuple[int | None, str]:
    """What the network shall see: a class, or none and what it shall not see."""
    kinds = {"targeted": "become …", "untargeted": "be anything but …"}
    kind = choose_one(_("The photograph shall"), kinds, key="aim", default="targeted")
    classes = the_lab().backbones.classes(str(st.session_state.backbone))
    if kind == "targeted":
        return choose_class(classes, "target_class"), ""
    groups = {"": _("what it is seen as now")}
    if are_imagenets(classes):
        groups |= {key: _(group.label) for key, group in GROUPS.items()}
    avoid = st.selectbox(
        _("Anything but"), list(groups), format_func=groups.__getitem__, key="avoid"
    )
    return None, avoid


def choose_method(attack: Attack) -> Attack:
    """The method, the budget, and whom to attack; an attack that is begun anew sets them too."""
    st.session_state.setdefault("method", "pgd")
    st.session_state.setdefault("epsilon", 1)
    method = st.pills(
        _("Method"),
        list(ATTACK_METHODS),
        required=True,
        format_func=lambda key: _(ATTACK_METHODS[key].label),
        key="method",
        on_change=lambda: runs.update(NAME, method=st.session_state.method),
    )
    row = ATTACK_METHODS[str(method)]
    st.caption(f"{_(row.why)} ({row.paper})")
    budget, length = st.columns(2)
    epsilon = budget.select_slider(
        _("Epsilon, in levels of 1/255"),
        LEVELS,
        key="epsilon",
        on_change=lambda: runs.update(NAME, epsilon=int(st.session_state.epsilon)),
        help=_("No value of the picture may move by more. Acts while it runs."),
    )
    steps = length.select_slider(_("Steps at most"), runs.STEPS, 64, key="steps")
    chosen, classes = attack.backbone, the_lab().backbones.classes
    others = tuple(key for key in usable() if key != chosen and classes(key) == classes(chosen))
    is_ensemble = st.toggle(
        _("Attack all ready networks at once"),
        key="ensemble",
        disabled=not others,
        help=_("Those that know the same classes."),
    )
    also = others if is_ensemble else ()
    return replace(attack, method=row.key, epsilon=epsilon, steps=steps, also=also)


header(ATTACK, "attack")
backbone = choose_backbone(panel="_backbone")
photo = choose_photo(_A_DOG)
if backbone is not None:
    target, avoid = choose_goal()
    smallest = SmallestBudget(photo=photo, backbone=backbone, target=target, avoid=avoid)
    attack = choose_method(Attack(photo=photo, backbone=backbone, target=target, avoid=avoid))
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(_("Start"), key="start", type="primary", icon=":material/play_arrow:"):
            runs.begin(NAME, _("Attack"), [("", attack)])
        if st.button(_("Find the smallest budget"), key="smallest", icon=":material/search:"):
            runs.begin(SMALLEST, _("Smallest budget"), [("", smallest)])
runs.panel(NAME, draw_attack)
run = runs.current(NAME)
if run is not None and run.is_over and run.jobs:
    draw_finished(run.jobs[0][1])
runs.panel(SMALLEST, draw_smallest, is_main=False)
st.markdown(lesson("attack")["honest"])
