"""One channel enlarged, and other photographs that activate it."""

import streamlit as st

from pages.shared import link
from pages.shared.choose_photo import photo_label
from pages.shared.live import watch_answer
from pages.shared.picture import stretched
from pages.shared.sitemap import IDEAL
from pages.shared.words import _
from tl_core.images import samples
from tl_core.specs import ChannelDetail, ChannelDetailSnapshot, FeatureMaps


def channel_detail(spec: FeatureMaps, channels: list[int]) -> None:
    """Choose a channel, and draw it enlarged."""
    if not channels:
        return
    if st.session_state.get("channel") not in channels:
        st.session_state.channel = channels[0]
    st.subheader(_("One channel at large"), anchor=False)
    channel = st.selectbox(_("Channel"), channels, key="channel")
    others = tuple(row.key for row in samples.SAMPLES if row.key != spec.photo)
    detail = ChannelDetail(
        photo=spec.photo, backbone=spec.backbone, layer=spec.layer, channel=channel, others=others
    )
    watch_answer(detail, draw_detail, name="channel")
    if st.button(_("What is it looking for? Let it draw"), key="draw_channel", icon=IDEAL.icon):
        link.set_choice("goal", "channel")
        link.set_choice("goal_layer", spec.layer)
        link.set_choice("goal_channel", str(channel))
        st.switch_page(IDEAL.path)


def draw_detail(detail: ChannelDetailSnapshot) -> None:
    """The channel over the photograph, its map, and other photographs that activate it."""
    overlay, plain = st.columns(2)
    with overlay:
        words = _("Bright where it fires; the box is what its strongest spot sees")
        stretched(detail.overlay, caption=words, alt=_("The channel laid over the photograph"))
    with plain:
        words = _("Its map: strongest value {value:.2f}").format(value=detail.spot.value)
        stretched(detail.map, caption=words, alt=_("The channel's own map"))
    st.markdown("**" + _("What else makes it fire?") + "**")
    st.image(
        [other.picture for other in detail.others[:9]],
        caption=[f"{other.spot.value:.2f}" for other in detail.others[:9]],
        width=104,
        alt=[photo_label(other.photo) for other in detail.others[:9]],
    )
