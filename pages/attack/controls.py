"""The controls of an attack: what the photograph shall become, how, and within which budget."""

from dataclasses import replace

import streamlit as st

from pages.shared import link, runs
from pages.shared.choose_backbone import usable
from pages.shared.choose_class import are_imagenets, choose_class
from pages.shared.choose_one import choose_one
from pages.shared.sitemap import ATTACK
from pages.shared.visit import the_lab
from pages.shared.words import _
from tl_core.lab import gettext_noop as N_
from tl_core.specs.attack import GROUPS, Attack
from tl_core.specs.attack_methods import ATTACK_METHODS

LEVELS = [0, 1, 2, 4, 8, 16, 32, 64]
CONFIDENCES = [0.0, 0.5, 0.9, 0.99]
_AIMS = {"targeted": N_("targeted: look like …"), "untargeted": N_("untargeted: anything but …")}


def choose_goal(backbone: str) -> tuple[int | None, str]:
    """What the network shall see: a class, or none and what it shall not see."""
    classes = the_lab().backbones.classes(backbone)
    if st.session_state.aim == "targeted":
        return choose_class(classes, "target_class", label=_("Make it say")), ""
    groups = {"": _("what it says now")}
    if are_imagenets(classes):
        groups |= {key: _(group.label) for key, group in GROUPS.items()}
    with link.kept("avoid", "", list(groups)):
        avoid = st.selectbox(
            _("Class to avoid"), list(groups), format_func=groups.__getitem__, key="avoid"
        )
    return None, str(avoid)


def epsilon_slider() -> None:
    """The budget, which acts while an attack runs."""
    with link.kept("epsilon", Attack.epsilon, LEVELS):
        st.select_slider(
            _("Epsilon, in levels of 1/255"),
            LEVELS,
            key="epsilon",
            on_change=runs.pass_on,
            args=(ATTACK.topic, "epsilon"),
            help=_(
                "The attack's budget (L∞): how far each value may move. A pixel's red, green and "
                "blue are values from 0 to 255; 1 is the smallest step that an ordinary picture "
                "file can store. You can change it while it runs."
            ),
        )


def more_settings(backbone: str) -> None:
    """Aim, method, length and whom to attack, one click away."""
    with st.popover(_("More settings"), icon=":material/tune:", width="stretch", key="more"):
        choose_one(_("Goal of the attack"), _AIMS, key="aim", default="targeted")
        _method()
        with link.kept("steps", Attack.steps, runs.STEPS):
            st.select_slider(_("Maximum steps"), runs.STEPS, key="steps")
        with link.kept("confidence", Attack.confidence, CONFIDENCES):
            st.select_slider(
                _("Go on until its probability is"),
                CONFIDENCES,
                format_func=lambda share: (
                    f"{100 * share:.0f} %" if share else _("any: fooling is enough")
                ),
                key="confidence",
                on_change=runs.pass_on,
                args=(ATTACK.topic, "confidence"),
                help=_("“Cat” at only 12 % can be its first answer, but a shaky one."),
            )
        with link.kept("ensemble", default=False):
            st.toggle(
                _("Ensemble attack: every available network at once"),
                key="ensemble",
                disabled=not _others(backbone),
                help=_("Only networks with the same classes."),
            )


def with_settings(attack: Attack) -> Attack:
    """The attack as the controls have it."""
    state = st.session_state
    also = _others(attack.backbone) if state.ensemble else ()
    return replace(
        attack,
        method=str(state.method),
        epsilon=int(state.epsilon),
        steps=int(state.steps),
        confidence=float(state.confidence),
        also=also,
    )


def _method() -> None:
    with link.kept("method", Attack.method, list(ATTACK_METHODS)):
        method = st.pills(
            _("Method"),
            list(ATTACK_METHODS),
            required=True,
            format_func=lambda key: _(ATTACK_METHODS[key].label),
            key="method",
            on_change=runs.pass_on,
            args=(ATTACK.topic, "method"),
        )
    row = ATTACK_METHODS[str(method)]
    st.caption(f"{_(row.why)} ({row.paper})")


def _others(backbone: str) -> tuple[str, ...]:
    """The other networks that are ready and know the same classes."""
    classes = the_lab().backbones.classes
    return tuple(key for key in usable() if key != backbone and classes(key) == classes(backbone))
