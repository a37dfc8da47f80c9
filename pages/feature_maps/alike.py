"""Which photographs a network finds most alike."""

import streamlit as st

from pages.shared.choose_photo import photo_label
from pages.shared.picture import live_picture
from pages.shared.words import _
from tl_core.specs.feature_maps import FeatureSpaceSnapshot, SpaceMap

_EXAMPLES = ("sample:bull-mastiff", "sample:eagle", "sample:cottage")  # others show their kind
_ROWS = 3


def explain_rows(found: FeatureSpaceSnapshot) -> None:
    """What the rows show, where there are any."""
    if any(key in found.photos for key in _EXAMPLES):
        st.caption(
            _(
                "Each photograph is on the left, with its three nearest neighbours beside it. A "
                "tick means a neighbour is of the same kind."
            )
        )


def draw_alike(found: FeatureSpaceSnapshot, points: SpaceMap, photo: str, *, name: str) -> None:
    """The photograph and examples of the gallery, each with the three that are most like it."""
    keys = [key for key in dict.fromkeys((photo, *_EXAMPLES)) if key in found.photos]
    with st.container(key=f"alike_{name}"):
        for key in keys[:_ROWS]:
            _draw_row(found, points, found.photos.index(key))


def _draw_row(found: FeatureSpaceSnapshot, points: SpaceMap, of: int) -> None:
    nearest = points.nearest[of]
    columns = st.columns([4, 1, *[4] * len(nearest)], vertical_alignment="center", wrap=False)
    with columns[0]:
        _draw_photo(found, of, "**{label}**")
    columns[1].markdown(":material/arrow_forward:")
    for column, index in zip(columns[2:], nearest, strict=True):
        is_kin = found.labels[index] == found.labels[of]
        with column:
            _draw_photo(found, index, ":green[:material/check:] {label}" if is_kin else "{label}")


def _draw_photo(found: FeatureSpaceSnapshot, index: int, words: str) -> None:
    label = photo_label(found.photos[index])
    live_picture(found.thumbnails[index], alt=label)
    st.caption(words.format(label=label))
