"""The controls of feature maps: the layer, how many channels, and what to compare with."""

import time
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from pages.shared import link
from pages.shared.choose_backbone import label_of, usable
from pages.shared.choose_photo import photo_label
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _
from tl_core.images import samples
from tl_core.lab import gettext_noop as N_
from tl_core.specs.feature_maps import FeatureMaps

NOTHING, LAYER, BACKBONE, PHOTO = "nothing", "layer", "backbone", "photo"
_COMPARISONS = {
    NOTHING: N_("none"),
    LAYER: N_("another layer"),
    BACKBONE: N_("another backbone"),
    PHOTO: N_("another photograph"),
}
_AMOUNTS = [8, 16, 32, 64]
_PLAYS = "plays_layers"  # in the session: whether the slider moves by itself
_EACH_S = 1.0  # for which a layer is shown then


def layer_slider(backbone: str, key: str, *, default: int, label: str) -> str:
    """A slider from the first layer to the last, each in plain words."""
    row = the_lab().backbones.row(backbone)
    layers = [stage.layer for stage in row.stages]
    words = {stage.layer: stage.words for stage in row.stages}
    named = _("Layer {number}: {words}")
    with link.kept(key, layers[default], layers, among=f"_of_{row.key}"):
        chosen = st.select_slider(
            label,
            layers,
            key=key,
            format_func=lambda layer: named.format(
                number=layers.index(layer) + 1, words=_(words[layer])
            ),
        )
    return str(chosen)


def play_layers(layers: Sequence[str]) -> None:
    """Draw the button that moves the slider from the first layer to the last, or stops it."""
    is_on = st.session_state.get(_PLAYS, False)
    st.button(
        _("Pause") if is_on else _("Play"),
        key="play_layers",
        icon=":material/pause:" if is_on else ":material/play_arrow:",
        on_click=_play_or_pause,
        args=(layers,),
    )


def go_deeper(layers: Sequence[str]) -> None:
    """While it plays, show the next layer a moment after this one; to be drawn with its maps."""
    drawn_at = time.monotonic()

    def body() -> None:
        the_visit()
        state = st.session_state
        if time.monotonic() < drawn_at + _EACH_S / 2:  # the page is being drawn
            return
        state.layer = layers[min(layers.index(state.layer) + 1, len(layers) - 1)]
        state[_PLAYS] = state.layer != layers[-1]
        st.rerun()

    if st.session_state.get(_PLAYS, False):
        st.fragment(body, run_every=_EACH_S)()


def _play_or_pause(layers: Sequence[str]) -> None:
    """From the last layer it begins again at the first."""
    state = st.session_state
    state[_PLAYS] = not state.get(_PLAYS, False)
    if state[_PLAYS] and state.get("layer") == layers[-1]:
        state.layer = layers[0]


def channels_slider() -> int:
    """How many channels are drawn."""
    with link.kept("channels", 16, _AMOUNTS):
        return int(st.select_slider(_("Channels shown"), _AMOUNTS, key="channels"))


def choose_comparison(backbone: str) -> None:
    """What the second mosaic differs in, or that there is none."""
    has_others = any(key != backbone for key in usable())
    offered = [key for key in _COMPARISONS if has_others or key != BACKBONE]
    with link.kept("compare", NOTHING, offered):
        st.pills(
            _("Compare with"),
            offered,
            required=True,
            format_func=lambda key: _(_COMPARISONS[key]),
            key="compare",
        )


def other_maps(spec: FeatureMaps, comparison: str) -> FeatureMaps:
    """Draw what chooses the second mosaic; return its question."""
    if comparison == LAYER:
        words = _("The other layer")
        return replace(spec, layer=layer_slider(spec.backbone, "layer_2", default=-1, label=words))
    if comparison == BACKBONE:
        return _with_other_backbone(spec)
    keys = [row.key for row in samples.SAMPLES if row.key != spec.photo]
    with link.kept("sample_2", keys[0], keys):
        photo = st.selectbox(_("Other photograph"), keys, format_func=photo_label, key="sample_2")
    return replace(spec, photo=str(photo))


def _with_other_backbone(spec: FeatureMaps) -> FeatureMaps:
    """The layer of another backbone that lies about as deep."""
    others = [key for key in usable() if key != spec.backbone]
    with link.kept("backbone_2", others[0], others):
        chosen = st.selectbox(_("Other backbone"), others, format_func=label_of, key="backbone_2")
    backbone = str(chosen)
    mine, theirs = (
        [stage.layer for stage in the_lab().backbones.row(key).stages]
        for key in (spec.backbone, backbone)
    )
    depth = mine.index(spec.layer) / max(len(mine) - 1, 1)
    return replace(spec, backbone=backbone, layer=theirs[round(depth * (len(theirs) - 1))])
