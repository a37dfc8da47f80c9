"""The Why? page: attribution maps of a photograph, and a test of their faithfulness."""

from dataclasses import replace
from functools import partial

import streamlit as st

from pages.attribution.controls import (
    NOTHING,
    choose_methods,
    more_settings,
    strength_slider,
    two_classes,
    with_settings,
)
from pages.attribution.maps import (
    draw_alone,
    draw_main,
    draw_photo,
    draw_place,
    draw_proof,
    draw_second,
)
from pages.shared.frame import header
from pages.shared.live import answer, draw_beside, watch_answer
from pages.shared.live_camera import live_answers, live_switch, live_view
from pages.shared.none_of_these import is_none, say_it_is_none, share_of
from pages.shared.picture import MAIN_PICTURE
from pages.shared.show_code import show_code
from pages.shared.sitemap import ATTRIBUTION
from pages.shared.sources import sources
from pages.shared.stage import stage
from pages.shared.visit import the_lab
from pages.shared.words import _, lesson, show_error
from tl_core.lab import UserError
from tl_core.specs.attribution import Attribute
from tl_core.specs.classify import Classification, Classify

_SIGN_S = 0.5  # after which a slow answer's place says that it is awaited


def draw(question: Attribute, other: int, said: Classification, *, is_contrast: bool) -> None:
    """The map over the photograph, and beside it the proof and the other maps."""
    alone = replace(question, targets=(*question.targets, other))
    are_several = len(question.methods) > 1
    asked = question if are_several else alone
    try:
        asked = replace(question, contrast=other) if is_contrast else asked
    except UserError as error:  # a class rather than itself
        with side:
            show_error(error)
        with picture:
            draw_photo(said)
        return
    with side:
        draw_figures = draw_second if are_several else draw_proof
        watch_answer(asked, draw_figures, name="why", first=draw_place)
        if is_contrast and not are_several:
            st.caption(_("Each class on its own:"))
            watch_answer(alone, draw_alone, name="alone", stop_key="stop_alone", first=draw_place)
    with picture:
        draw_maps = partial(draw_main, are_several=are_several)
        draw_beside("why", draw_maps, lambda: draw_photo(said, done=0))


def explain_still(backbone: str) -> None:
    """The photograph's maps by the chosen methods."""
    with picture:
        question = Classify(photo=photo, backbone=backbone)
        said = answer(question, timeout_s=_SIGN_S, height=MAIN_PICTURE)
    if said is None:
        return
    if is_none(said.novelty):
        with side:
            say_it_is_none(said.answers[0])
    if not methods:
        with picture:
            draw_photo(said)
        return
    first, other = two_classes(said, why, rather_than)
    asked = with_settings(
        Attribute(photo=photo, backbone=backbone, methods=methods, targets=(first,))
    )
    draw(asked, other, said, is_contrast=rather_than != NOTHING)
    show_code(ATTRIBUTION, asked)


def explain_live(backbone: str) -> None:
    """The camera's picture under a map of one class, and the answers."""
    with picture:
        live_view(backbone, st.session_state.strength)
    with side:
        live_answers(backbone, none_share=share_of(backbone))
        st.caption(
            _("When live, the map is a [CAM](#class-activation-map), which needs no gradient.")
        )


subject = header(ATTRIBUTION, first_photo="sample:dalmatian")
backbone, photo = subject.backbone, subject.photo
rail, picture, side = stage(picture=42, side=42)
if backbone is not None:
    lab = the_lab()
    with picture:
        is_live = live_switch()
    with rail:
        if not is_live:
            methods = choose_methods(lab.backbones.row(backbone))
            classes = lab.backbones.classes(backbone)
            why, rather_than = more_settings(lab.backbones.row(backbone), classes)
        else:
            strength_slider()
    if is_live:
        explain_live(backbone)
    else:
        explain_still(backbone)
st.markdown(lesson("attribution")["colours"])
st.markdown(lesson("attribution")["faithful"])
sources(ATTRIBUTION)
