"""The controls of reasons: by which methods, for which class, and rather than which."""

from dataclasses import replace

import streamlit as st

from pages.shared import link
from pages.shared.words import _, both_names
from tl_core.lab import BackboneRow
from tl_core.specs.attribution import ATTRIBUTION_METHODS, Attribute
from tl_core.specs.classify import Classification

METHODS = {row.key: row for row in ATTRIBUTION_METHODS}
_GUIDED = "guided_gradcam"
PREDICTED, NOTHING, RUNNER_UP = "predicted", "nothing", "runner-up"


def choose_methods(row: BackboneRow) -> tuple[str, ...]:
    """One method or several of those that this network allows; none asks for one."""
    offered = [key for key in METHODS if key != _GUIDED or not row.guided_obstacle]
    with link.kept("methods", ["gradcam"], offered):
        methods = st.pills(
            _("One or more methods"),
            offered,
            selection_mode="multi",
            format_func=lambda key: _(METHODS[key].label),
            key="methods",
        )
    if not methods:
        st.info(_("Choose at least one method."))
    elif len(methods) == 1:
        st.caption(_(METHODS[methods[0]].does))
    return tuple(methods)


def choose_classes(classes: tuple[str, ...]) -> tuple[str, str]:
    """The class to explain, and the one that it is held against, as the widgets name them."""
    names = [str(index) for index in range(len(classes))]
    words = {
        PREDICTED: _("the predicted class"),
        NOTHING: _("none: just this class"),
        RUNNER_UP: _("the runner-up"),
    }
    words |= dict(zip(names, map(both_names, classes), strict=True))
    chosen = []
    for label, key, offered in (
        (_("Class to explain"), "explained", [PREDICTED, *names]),
        (_("Compare with class"), "rather_than", [NOTHING, RUNNER_UP, *names]),
    ):
        with link.kept(key, offered[0], offered, among=f"_of_{len(classes)}"):
            choice = st.selectbox(label, offered, format_func=words.__getitem__, key=key)
        chosen.append(str(choice))
    return chosen[0], chosen[1]


def two_classes(said: Classification, why: str, rather_than: str) -> tuple[int, int]:
    """The class to explain, and the other one: the likeliest, if none was chosen."""
    first = said.answers[0].index if why == PREDICTED else int(why)
    if rather_than in (NOTHING, RUNNER_UP):
        return first, next(found.index for found in said.answers if found.index != first)
    return first, int(rather_than)


def strength_slider() -> None:
    """How much the map hides the photograph."""
    with link.kept("strength", 0.6, between=(0, 1)):
        st.slider(_("Map opacity"), 0.0, 1.0, step=0.05, key="strength")


def more_settings(row: BackboneRow, classes: tuple[str, ...]) -> tuple[str, str]:
    """What the methods can be told, one click away; returns the two classes as it names them."""
    layers = [stage.layer for stage in row.stages][::-1]
    with st.popover(_("More settings"), icon=":material/tune:", width="stretch", key="more"):
        chosen = choose_classes(classes)
        strength_slider()
        with link.kept("cam_layer", layers[0], layers, among=f"_of_{row.key}"):
            st.selectbox(
                _("Layer for Grad-CAM and Guided Grad-CAM"),
                layers,
                key="cam_layer",
                help=_("The layer Grad-CAM looks at. Early layers are finer but know less."),
            )
        with link.kept("ig_steps", 32, between=(8, 128)):
            st.slider(
                _("Steps of Integrated Gradients"),
                8,
                128,
                step=8,
                key="ig_steps",
                help=_("Number of fade-in steps. More steps are more exact, but slower."),
            )
        with link.kept("noise", 0, between=(0, 16)):
            st.slider(
                _("Noisy copies to average (SmoothGrad)"),
                0,
                16,
                key="noise",
                help=_("Averages Integrated Gradients over this many noisy copies: less grainy."),
            )
        with link.kept("patch", 32, between=(16, 96)):
            st.slider(
                _("Occlusion: patch side, in pixels"),
                16,
                96,
                step=8,
                key="patch",
                help=_("The size of the grey square that covers one part after another."),
            )
        if row.guided_obstacle:
            st.caption(_("Guided Grad-CAM needs a network with only plain ReLUs, such as VGG-16."))
        papers = "; ".join(f"{_(method.label)}: {method.paper}" for method in METHODS.values())
        st.caption(papers)
    return chosen


def with_settings(question: Attribute) -> Attribute:
    """The question as the finer settings have it."""
    state = st.session_state
    return replace(
        question,
        layer=state.cam_layer,
        steps=int(state.ig_steps),
        noise_samples=int(state.noise),
        patch=int(state.patch),
    )
