"""Which photographs a network finds most alike, trained and untrained beside each other."""

import streamlit as st

from pages.shared.choose_photo import photo_label
from pages.shared.picture import live_picture
from pages.shared.words import _
from tl_core.specs import FeatureSpaceSnapshot, SpaceMap

_EXAMPLES = ("sample:bull-mastiff", "sample:eagle", "sample:cottage")  # others show their kind
_ROWS = 3


def draw_alike(found: FeatureSpaceSnapshot, photo: str) -> None:
    """The photograph and examples of the gallery, each with the three that are most like it."""
    keys = [key for key in dict.fromkeys((photo, *_EXAMPLES)) if key in found.photos][:_ROWS]
    if not keys:
        return
    words = _("Left each photograph, then the three most like it; ticked is what shows its kind.")
    st.caption(words)
    with st.container(key="alike"):
        for column, points in zip(
            st.columns(2, gap="large"), (found.trained, found.untrained), strict=True
        ):
            if points is not None:
                with column:
                    for key in keys:
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
