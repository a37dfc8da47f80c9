"""The channels of a layer as one picture; a click on a tile chooses its channel."""

from collections.abc import Callable

import streamlit as st

from pages.feature_maps.clickable import Spot, clickable
from pages.shared.words import _
from tl_core.lab import gettext_noop as N_
from tl_core.specs.feature_maps import FeatureMapsSnapshot, LayerFacts, Mosaic

_AT_BEGIN = {
    "edges and colours": N_("Edges and colours"),
    "textures": N_("Textures"),
    "parts": N_("Parts"),
    "whole objects": N_("Whole objects"),
}


def draw_mosaic(
    found: FeatureMapsSnapshot, *, key: str, chosen: str, on_pick: Callable[[str], None]
) -> None:
    """The mosaic of one layer; ``chosen`` is the ringed channel."""
    words = _("The {count} channels of layer {layer} whose activation varies most")
    clickable(
        found.mosaic.picture,
        _spots(found.mosaic),
        key=f"mosaic_{key}",
        alt=words.format(count=len(found.mosaic.channels), layer=found.facts.layer),
        chosen=chosen,
        on_pick=on_pick,
    )


def explain_layer(facts: LayerFacts) -> None:
    """What a layer's name and its stride mean."""
    words = _(
        "`{layer}` is the layer's name in the program. Stride {stride}: one step to the right in a "
        "map is {stride} pixels in the photograph."
    )
    st.caption(words.format(layer=facts.layer, stride=facts.stride))


def channel_name(channel: int | str) -> str:
    """What to call a channel of a layer."""
    return _("channel {channel}").format(channel=channel)


def describe(facts: LayerFacts) -> str:
    """A layer in one line."""
    channels, height, width = facts.shape
    return _(
        "**{words}** · `{layer}`: {channels} channels of {height} × {width}, receptive "
        "field {field} × {field} pixels"
    ).format(
        words=_(_AT_BEGIN[facts.words]),
        layer=facts.layer,
        channels=channels,
        height=height,
        width=width,
        field=facts.receptive_field,
    )


def _spots(mosaic: Mosaic) -> list[Spot]:
    """A clickable rectangle for each tile."""
    width, height = mosaic.size
    spots: list[Spot] = []
    for index, channel in enumerate(mosaic.channels):
        left, top, right, bottom = mosaic.box(index)
        spots.append(
            {
                "id": str(channel),
                "title": channel_name(channel),
                "left": left / width,
                "top": top / height,
                "width": (right - left) / width,
                "height": (bottom - top) / height,
            }
        )
    return spots
