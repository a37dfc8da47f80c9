"""One channel enlarged, and other photographs that activate it."""

import streamlit as st

from pages.feature_maps.mosaics import channel_name
from pages.shared import link
from pages.shared.choose_photo import photo_label
from pages.shared.live import watch_answer
from pages.shared.picture import live_picture
from pages.shared.query import go_to
from pages.shared.sitemap import IDEAL
from pages.shared.words import _
from tl_core.images import samples
from tl_core.specs.feature_maps import ChannelDetail, ChannelDetailSnapshot, FeatureMaps

_OTHERS = 4  # photographs shown
_SIDE = 200  # of a picture, in pixels


def choose_channel(spec: FeatureMaps, channels: tuple[int, ...]) -> int:
    """Which of the mosaic's channels is enlarged, by name."""
    with link.kept("channel", channels[0], channels, among=f"_of_{spec.layer}_of_{spec.backbone}"):
        return int(st.selectbox(_("Channel"), channels, format_func=channel_name, key="channel"))


def pick_channel(channel: str) -> None:
    """Make a clicked tile the channel that is enlarged."""
    st.session_state.channel = int(channel)


def channel_detail(spec: FeatureMaps, channel: int) -> None:
    """Draw the channel at large, on this photograph and on others, and the way to let it draw."""
    with st.container(
        horizontal=True,
        horizontal_alignment="distribute",
        vertical_alignment="center",
        key="channel_head",
    ):
        st.markdown("**" + channel_name(channel) + "**", width="content")
        if st.button(_("Let it draw what it looks for"), key="draw_channel", icon=IDEAL.icon):
            link.set_choice("goal", "channel")
            link.set_choice("goal_layer", spec.layer)
            link.set_choice("goal_channel", str(channel))
            go_to(IDEAL.path)
    others = tuple(row.key for row in samples.SAMPLES if row.key != spec.photo)
    detail = ChannelDetail(
        photo=spec.photo, backbone=spec.backbone, layer=spec.layer, channel=channel, others=others
    )
    watch_answer(detail, _draw, name="channel", first=draw_places)


def draw_places() -> None:
    """Skeletons, as long as nothing is known."""
    with st.container(key="channel_pictures"):
        for column in st.columns(2, gap="small", wrap=False):
            column.skeleton(_SIDE)


def _draw(detail: ChannelDetailSnapshot) -> None:
    """The channel over the photograph, its map, and other photographs on which it fires."""
    with st.container(key="channel_pictures"):
        overlay, plain = st.columns(2, gap="small", wrap=False)
    words = _("Active on {percent:.0f} % of the photograph")
    words = words.format(percent=100 * detail.spot.share)
    with overlay:
        live_picture(
            detail.overlay,
            alt=_("The channel laid over the photograph: {words}").format(words=words),
        )
        st.caption(
            words,
            help=_(
                "Bright means that the channel is active: above its own mean. The box is the "
                "receptive field of its strongest spot: all that this spot sees through its "
                "convolutions. Below are the photographs in which the channel is active over the "
                "largest area."
            ),
        )
    words = _("Its map: strongest activation {value:.2f}").format(value=detail.spot.value)
    with plain:
        live_picture(detail.map, alt=words)
        st.caption(words)
    st.markdown("**" + _("What else activates it?") + "**")
    with st.container(key="others"):
        columns = st.columns(_OTHERS, gap="xsmall", wrap=False)
    for column, other in zip(columns, detail.others, strict=False):
        with column:
            words = _("{percent:.0f} %").format(percent=100 * other.spot.share)
            live_picture(other.picture, alt=f"{photo_label(other.photo)}: {words}")
            st.caption(words)
