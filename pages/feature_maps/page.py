"""The Feature maps page: channels of a layer, one of them enlarged, and feature space."""

from dataclasses import replace

import streamlit as st

from pages.feature_maps.channel import channel_detail, choose_channel, draw_places, pick_channel
from pages.feature_maps.feature_space import feature_space
from pages.feature_maps.layer_controls import (
    NOTHING,
    channels_slider,
    choose_comparison,
    go_deeper,
    layer_slider,
    other_maps,
    play_layers,
)
from pages.feature_maps.mosaics import describe, draw_mosaic, explain_layer
from pages.feature_maps.take_home import take_home
from pages.shared.chapters import note
from pages.shared.frame import header
from pages.shared.live import answer
from pages.shared.picture import MAIN_PICTURE
from pages.shared.show_code import show_code
from pages.shared.sitemap import FEATURE_MAPS
from pages.shared.sources import sources
from pages.shared.stage import stage
from pages.shared.visit import the_lab
from pages.shared.words import _, lesson
from pages.visit.state import Outcome
from tl_core.specs.feature_maps import FeatureMaps, FeatureMapsSnapshot

_DETAIL = 480  # width of the channel at large, where it has the page to itself, in pixels


def one_layer(spec: FeatureMaps) -> None:
    """The mosaic, and beside it one of its channels."""
    with grid:
        found = answer(spec, height=MAIN_PICTURE)
    if found is None:
        with side:
            draw_places()
        return
    with about:
        st.caption(describe(found.facts))
    with more:
        explain_layer(found.facts)
        channel = choose_channel(spec, found.mosaic.channels)
        take_home(channel, (spec, found))
    with side:
        channel_detail(spec, channel)
    with grid:
        draw_mosaic(found, key="left", chosen=str(channel), on_pick=pick_channel)
        go_deeper(layers)
    note(FEATURE_MAPS, of_last_layer(found, spec))


def two_layers(spec: FeatureMaps, other: FeatureMaps) -> None:
    """Two mosaics on one scale, and below the stage a channel of the first."""
    with grid:
        left, right = st.columns(2, gap="small")
    with left:
        first = answer(spec, height=MAIN_PICTURE)
    with right:
        second = answer(other, height=MAIN_PICTURE)
    if first is None or second is None:
        return
    scale = (min(first.scale[0], second.scale[0]), max(first.scale[1], second.scale[1]))
    with left:
        first = answer(replace(spec, scale=scale), height=MAIN_PICTURE)
    with right:
        second = answer(replace(other, scale=scale), height=MAIN_PICTURE)
    if first is None or second is None:
        return
    with more:
        channel = choose_channel(spec, first.mosaic.channels)
        take_home(
            channel, (replace(spec, scale=scale), first), (replace(other, scale=scale), second)
        )
    with st.container(width=_DETAIL):
        channel_detail(spec, channel)
    with left:
        draw_mosaic(first, key="left", chosen=str(channel), on_pick=pick_channel)
        st.caption(describe(first.facts))
        go_deeper(layers)
    with right:
        draw_mosaic(second, key="right", chosen="", on_pick=lambda _channel: None)
        st.caption(describe(second.facts))


def of_last_layer(found: FeatureMapsSnapshot, spec: FeatureMaps) -> Outcome | None:
    """What is left of the photograph in the network's last layer."""
    row = the_lab().backbones.row(spec.backbone)
    if spec.layer != row.stages[-1].layer:
        return None
    _channels, height, width = found.facts.shape
    return Outcome(
        about=f"{spec.backbone} {spec.photo}",
        answer="place",
        figures={
            "layer": spec.layer,
            "height": height,
            "width": width,
            "side": row.input_size,
        },
    )


subject = header(FEATURE_MAPS)
backbone, photo = subject.backbone, subject.photo
is_alone = st.session_state.get("compare", NOTHING) == NOTHING
rail, picture, side = stage() if is_alone else stage(picture=85, side=0)
if backbone is not None:
    layers = [stage.layer for stage in the_lab().backbones.row(backbone).stages]
    with picture:
        grid = st.container()
        with st.container(horizontal=True, vertical_alignment="bottom", key="layer_row"):
            play_layers(layers)
            layer = layer_slider(backbone, "layer", default=0, label=_("Layer, shallow to deep"))
    with rail:
        about = st.container()
        more = st.popover(_("More settings"), icon=":material/tune:", width="stretch", key="more")
        with more:
            choose_comparison(backbone)
            amount = channels_slider()
        spec = FeatureMaps(photo=photo, backbone=backbone, layer=layer, channels=amount)
        comparison = str(st.session_state.compare)
        if is_alone != (comparison == NOTHING):  # as a link or the visit has it
            st.rerun()
        other = None
        if comparison != NOTHING:
            other = other_maps(spec, comparison)
            words = _("Both use one scale: the same colour means the same activation.")
            st.caption(words)
    one_layer(spec) if other is None else two_layers(spec, other)
    show_code(FEATURE_MAPS, spec)
    st.markdown(lesson("feature_maps")["layers"])
    feature_space(backbone, photo)
sources(FEATURE_MAPS)
