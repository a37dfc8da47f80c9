"""The Feature maps page: channels of a layer, one of them enlarged, and feature space."""

from dataclasses import replace

import streamlit as st

from pages.inside.channel import channel_detail
from pages.inside.feature_space import feature_space
from pages.inside.mosaics import column
from pages.shared import link
from pages.shared.choose_backbone import label_of, usable
from pages.shared.choose_one import choose_one
from pages.shared.choose_photo import photo_label
from pages.shared.frame import header
from pages.shared.live import answer
from pages.shared.sitemap import FEATURE_MAPS
from pages.shared.visit import the_lab
from pages.shared.words import _, lesson
from tl_core.images import samples
from tl_core.lab import BackboneRow
from tl_core.specs import FeatureMaps

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
    with link.kept(key, layers[default], layers):
        chosen = st.select_slider(
            _("Layer, shallow to deep"),
            layers,
            key=key,
            format_func=lambda layer: f"{layers.index(layer) + 1} · {_(words[layer])}",
        )
    return str(chosen)


def second(spec: FeatureMaps, comparison: str) -> FeatureMaps:
    """What the right column shows; its controls are drawn above it."""
    if comparison == LAYER:
        row = the_lab().backbones.row(spec.backbone)
        return replace(spec, layer=layer_slider(row, "layer_2", default=-1))
    if comparison == BACKBONE:
        others = [key for key in usable() if key != spec.backbone]
        backbone = st.selectbox(_("Other backbone"), others, format_func=label_of, key="backbone_2")
        mine, theirs = (
            [stage.layer for stage in the_lab().backbones.row(key).stages]
            for key in (spec.backbone, backbone)
        )
        depth = mine.index(spec.layer) / max(len(mine) - 1, 1)
        return replace(spec, backbone=backbone, layer=theirs[round(depth * (len(theirs) - 1))])
    keys = [row.key for row in samples.SAMPLES if row.key != spec.photo]
    photo = st.selectbox(_("Other photograph"), keys, format_func=photo_label, key="sample_2")
    return replace(spec, photo=photo)


def mosaics(spec: FeatureMaps) -> None:
    """One column, or two on one scale."""
    comparison = choose_one(_("Compare with"), COMPARISONS, key="compare", default=NOTHING)
    if comparison == NOTHING:
        mosaic, detail = st.columns([3, 2], gap="medium")
        with mosaic:
            found = column(spec, "left")
        with detail:
            channel_detail(spec, found)
        return
    left, right = st.columns(2)
    with right:
        other = second(spec, comparison)
    with left:
        first = answer(spec)
    with right:
        match = answer(other)
    if first is None or match is None:
        return
    scale = (min(first.scale[0], match.scale[0]), max(first.scale[1], match.scale[1]))
    with left:
        found = column(replace(spec, scale=scale), "left")
    with right:
        column(replace(other, scale=scale), "right")
    st.caption(_("Both are drawn on one scale: the same colour is the same activation."))
    channel_detail(spec, found)


bench = header(FEATURE_MAPS)
backbone, photo = bench.backbone, bench.photo
if backbone is not None:
    st.header(_("What the layers see"))
    slider, amount = st.columns([3, 1])
    with slider:
        layer = layer_slider(the_lab().backbones.row(backbone), "layer", default=0)
    channels = amount.select_slider(_("Channels shown"), [8, 16, 32, 64], 16, key="channels")
    mosaics(FeatureMaps(photo=photo, backbone=backbone, layer=layer, channels=int(channels)))
    st.header(_("The network's map of the photographs"))
    st.markdown(lesson("feature_maps")["space"])
    feature_space(backbone)
