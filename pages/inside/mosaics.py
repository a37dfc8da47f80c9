"""The channels of a layer as one picture; a click on a tile chooses its channel."""

import streamlit as st

from pages.inside.clickable import Spot, clickable
from pages.shared.live import answer
from pages.shared.words import _
from tl_core.specs import FeatureMaps, LayerFacts


def column(spec: FeatureMaps, key: str) -> list[int]:
    """One mosaic, and the channels on it; a click on a tile chooses its channel."""
    found = answer(spec)
    if found is None:
        return []
    mosaic = found.mosaic
    width, height = mosaic.size
    spots = []
    for index, channel in enumerate(mosaic.channels):
        left, top, right, bottom = mosaic.box(index)
        spot = Spot(
            id=str(channel),
            title=_("channel {channel}").format(channel=channel),
            left=left / width,
            top=top / height,
            width=(right - left) / width,
            height=(bottom - top) / height,
        )
        spots.append(spot)
    st.markdown(f"**{_(found.facts.words).capitalize()}**")
    words = _("The {count} most active channels of layer {layer}")
    clickable(
        mosaic.picture,
        spots,
        key=f"mosaic_{key}",
        alt=words.format(count=len(spots), layer=found.facts.layer),
        chosen=str(st.session_state.get("channel", mosaic.channels[0])) if key == "left" else "",
        on_pick=choose_channel if key == "left" else lambda _channel: None,
    )
    st.caption(describe(found.facts))
    return list(mosaic.channels)


def choose_channel(channel: str) -> None:
    """Make a clicked tile the channel that is enlarged."""
    st.session_state.channel = int(channel)


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
