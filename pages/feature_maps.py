"""The Feature maps page: what every layer makes of a photograph, and one channel at large."""

from dataclasses import replace

import streamlit as st

from pages.widgets import link
from pages.widgets.backbone import choose_backbone
from pages.widgets.feature_space import feature_space
from pages.widgets.frame import header
from pages.widgets.live import answer, watch_answer
from pages.widgets.photo import choose_photo, photo_label
from pages.widgets.picture import Spot, clickable
from pages.widgets.sitemap import FEATURE_MAPS
from pages.widgets.visit import the_lab
from pages.widgets.words import _, lesson
from tl_core.images import samples
from tl_core.lab import BackboneRow
from tl_core.specs import (
    ChannelDetail,
    ChannelDetailSnapshot,
    FeatureMaps,
    FeatureMapsSnapshot,
    LayerFacts,
    Snapshot,
)

NOTHING, LAYER, BACKBONE, PHOTO = "nothing", "layer", "backbone", "photo"
COMPARISONS = {
    NOTHING: "nothing",
    LAYER: "another layer",
    BACKBONE: "another backbone",
    PHOTO: "another photograph",
}


def layer_slider(row: BackboneRow, key: str, *, default: int) -> str:
    """A slider from the first layer to the last, each in plain words."""
    layers = [stage.layer for stage in row.stages]
    words = {stage.layer: stage.words for stage in row.stages}
    link.chosen(key, layers, layers[default])
    chosen = st.select_slider(
        _("Layer, shallow to deep"),
        layers,
        key=key,
        format_func=lambda layer: f"{layers.index(layer) + 1} · {_(words[layer])}",
    )
    link.keep(key)
    return str(chosen)


def describe(facts: LayerFacts) -> str:
    """A layer's figures in one sentence."""
    channels, height, width = facts.shape
    return _(
        "`{layer}`: {channels} channels of {height} × {width}. One step to the right here is "
        "{stride} pixels in the photograph, and each value sees a patch of {field} × {field}."
    ).format(
        layer=facts.layer,
        channels=channels,
        height=height,
        width=width,
        stride=facts.stride,
        field=facts.receptive_field,
    )


def column(spec: FeatureMaps, key: str) -> list[int]:
    """One mosaic, and the channels on it; a click on a tile chooses its channel."""
    found = answer(spec)
    if not isinstance(found, FeatureMapsSnapshot):
        return []
    mosaic = found.mosaic
    width, height = mosaic.size
    spots = []
    for index, channel in enumerate(mosaic.channels):
        left, top, right, bottom = mosaic.box(index)
        spots.append(
            Spot(
                id=str(channel),
                title=_("channel {channel}").format(channel=channel),
                left=left / width,
                top=top / height,
                width=(right - left) / width,
                height=(bottom - top) / height,
            )
        )
    st.markdown(f"**{_(found.facts.words).capitalize()}**")
    clickable(
        mosaic.picture,
        spots,
        key=f"mosaic_{key}",
        alt=_("The {count} most active channels of layer {layer}").format(
            count=len(spots), layer=found.facts.layer
        ),
        chosen=str(st.session_state.get("channel", mosaic.channels[0])) if key == "left" else "",
        on_pick=choose_channel if key == "left" else lambda _channel: None,
    )
    st.caption(describe(found.facts))
    return list(mosaic.channels)


def choose_channel(channel: str) -> None:
    """Make a clicked tile the channel at large."""
    st.session_state.channel = int(channel)


def second(spec: FeatureMaps, comparison: str) -> FeatureMaps:
    """What the right column shows; its controls are drawn above it."""
    if comparison == LAYER:
        row = rows[spec.backbone]
        layer = layer_slider(row, "layer_2", default=len(row.stages) - 1)
        return replace(spec, layer=layer)
    if comparison == BACKBONE:
        ready = [row.key for row in the_lab().ready_backbones()]
        others = [key for key in ready if key != spec.backbone]
        backbone = st.selectbox(
            _("Other backbone"), others, format_func=lambda key: rows[key].label, key="backbone_2"
        )
        stages, mine = rows[backbone].stages, [stage.layer for stage in rows[spec.backbone].stages]
        depth = mine.index(spec.layer) / max(len(mine) - 1, 1)
        return replace(
            spec, backbone=backbone, layer=stages[round(depth * (len(stages) - 1))].layer
        )
    keys = [row.key for row in samples.SAMPLES if row.key != spec.photo]
    photo = st.selectbox(_("Other photograph"), keys, format_func=photo_label, key="sample_2")
    return replace(spec, photo=photo)


def mosaics(spec: FeatureMaps) -> None:
    """One column, or two on one scale."""
    comparison = st.segmented_control(
        _("Compare with"),
        list(COMPARISONS),
        default=NOTHING,
        required=True,
        format_func=lambda key: _(COMPARISONS[key]),
        key="compare",
    )
    if comparison == NOTHING:
        mosaic, detail = st.columns([3, 2], gap="medium")
        with mosaic:
            found = column(spec, "left")
        with detail:
            channel_detail(spec, found)
        return
    left, right = st.columns(2)
    with right:
        other = second(spec, str(comparison))
    with left:
        first = answer(spec)
    with right:
        match = answer(other)
    if not isinstance(first, FeatureMapsSnapshot) or not isinstance(match, FeatureMapsSnapshot):
        return
    scale = (min(first.scale[0], match.scale[0]), max(first.scale[1], match.scale[1]))
    with left:
        found = column(replace(spec, scale=scale), "left")
    with right:
        column(replace(other, scale=scale), "right")
    st.caption(_("Both are drawn on one scale: the same colour is the same activation."))
    channel_detail(spec, found)


def channel_detail(spec: FeatureMaps, channels: list[int]) -> None:
    """The chosen channel at large, and what else makes it fire."""
    if not channels:
        return
    if st.session_state.get("channel") not in channels:
        st.session_state.channel = channels[0]
    st.subheader(_("One channel at large"), anchor=False)
    channel = st.selectbox(_("Channel"), channels, key="channel")
    others = tuple(row.key for row in samples.SAMPLES if row.key != spec.photo)
    detail = ChannelDetail(
        photo=spec.photo,
        backbone=spec.backbone,
        layer=spec.layer,
        channel=channel,
        others=others,
    )
    watch_answer(detail, draw_detail, name="channel")


def draw_detail(detail: Snapshot) -> None:
    """The channel over the photograph, its map, and other photographs that move it."""
    assert isinstance(detail, ChannelDetailSnapshot)  # narrows for the type checker
    overlay, plain = st.columns(2)
    overlay.image(
        detail.overlay,
        output_format="PNG",
        width="stretch",
        caption=_("Bright where it fires; the box is what its strongest spot sees"),
        alt=_("The channel laid over the photograph"),
    )
    plain.image(
        detail.map,
        output_format="PNG",
        width="stretch",
        caption=_("Its map: strongest value {value:.2f}").format(value=detail.spot.value),
        alt=_("The channel's own map"),
    )
    st.markdown("**" + _("What else makes it fire?") + "**")
    st.image(
        [other.picture for other in detail.others[:9]],
        caption=[f"{other.spot.value:.2f}" for other in detail.others[:9]],
        width=104,
        alt=[photo_label(other.photo) for other in detail.others[:9]],
    )


header(FEATURE_MAPS, "feature_maps")
rows = {status.row.key: status.row for status in the_lab().backbones()}
backbone = choose_backbone()
photo = choose_photo()
if backbone is not None:
    st.header(_("What the layers see"))
    slider, amount = st.columns([3, 1])
    with slider:
        layer = layer_slider(rows[backbone], "layer", default=0)
    channels = amount.select_slider(_("Channels shown"), [8, 16, 32, 64], 16, key="channels")
    mosaics(FeatureMaps(photo=photo, backbone=backbone, layer=layer, channels=int(channels)))
    st.header(_("The network's map of the photographs"))
    st.markdown(lesson("feature_maps")["space"])
    feature_space(backbone)
