"""Choosing a photograph: the gallery, or one of the visitor's own. One choice for all pages."""

from collections.abc import Callable, Iterable
from functools import cache

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared import link
from pages.shared.components import style
from pages.shared.photo_input import own_photos, photo_input
from pages.shared.picture import data_url
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _
from pages.visit.state import MOST_KEPT, trim
from tl_core.images import samples
from tl_core.images.decode import decode
from tl_core.images.encode import thumbnail
from tl_core.lab import UserError

Fold = Callable[..., DeltaGenerator]  # a popover or an expander
_SAMPLES = {row.key: row for row in samples.SAMPLES}
_THUMBNAIL = 96  # pixels
_OWN_SHOWN = 10
_KEPT = 100  # of the visitor's own, the newest; the lab's memory has its own limit
_LIST = "photos"
_BAR = 150  # pixels, the width of the photograph with its buttons


def choose_photo(
    first: str = samples.SAMPLES[0].key, *, instead: str = "", fold: Fold = st.popover
) -> str:
    """Draw the picker; return the key of the visit's photograph, ``first`` if none was chosen.

    The page shows ``instead`` in its place, if there is one, until another is chosen. ``fold``
    holds the list: no popover may hold another.
    """
    keys = [*the_visit().photos[:_OWN_SHOWN], *_SAMPLES]
    style("photo_picker")
    with link.kept("sample", first, keys):
        chosen = str(st.session_state.sample)
        with st.container(width=_BAR, key="photo_bar"):
            photo_input(_picture(instead or chosen), photo_label(chosen), on_photo=take)
        label, icon = photo_label(chosen), ":material/photo_library:"
        with fold(label, icon=icon, key=_LIST, on_change="rerun"):
            with st.container(key="photo-picker"):
                st.pills(
                    _("Photograph"),
                    keys,
                    required=True,
                    format_func=lambda key: with_picture(key, photo_label(key)),
                    key="sample",
                    width="stretch",
                    on_change=_close_list,
                )
            own_photos()
    return chosen


def photo_label(key: str) -> str:
    """What to call the photograph."""
    if key in _SAMPLES:
        return _(_SAMPLES[key].label)
    numbers = the_visit().numbers
    if key not in numbers or len(numbers) == 1:
        return _("your photograph")
    return _("your photograph {number}").format(number=numbers[key])


def credit(key: str) -> str:
    """Where a sample comes from; nothing for a visitor's own."""
    return _(_SAMPLES[key].credit) if key in _SAMPLES else ""


def thumbnail_url(key: str) -> str:
    """A data URL of the photograph, small; for labels and hovering."""
    if key.startswith(samples.PREFIX):
        return _sample_url(key)
    labels = the_visit().labels
    if key not in labels:
        labels[key] = _url(the_lab().photos.data(key))
        trim(labels, MOST_KEPT)
    return labels[key]


def _picture(key: str) -> str | None:
    try:
        return thumbnail_url(key)
    except UserError:  # forgotten under memory pressure
        return None


def with_picture(key: str, words: str) -> str:
    """Words for a button or a pill, with the photograph before them where it is still there."""
    picture = _picture(key)
    return f"![]({picture}) {words}" if picture else words


def pictures_of(keys: Iterable[str]) -> dict[str, str]:
    """Data URLs of the photographs that are still there, by key."""
    return {key: picture for key in keys if (picture := _picture(key))}


@cache
def _sample_url(key: str) -> str:
    return _url(samples.read(key))


def _url(data: bytes) -> str:
    photo = decode(data, max_pixels=the_lab().settings.max_pixels, at_least=_THUMBNAIL)
    return data_url(thumbnail(photo, _THUMBNAIL))


def _close_list() -> None:
    """Once a photograph is chosen; on a phone the list covers it."""
    st.session_state[_LIST] = False


def take(data: bytes) -> None:
    """Keep a photograph of the visitor's, and make it the visit's.

    The list closes, so that a refusal is seen.
    """
    _close_list()
    choose(the_lab().photos.add(data, the_visit().id))


def choose(key: str) -> None:
    """Make one of the visitor's photographs the visit's, from when the picker is next drawn."""
    visit = the_visit()
    visit.photos = [key, *(old for old in visit.photos if old != key)][:_KEPT]
    visit.numbers.setdefault(key, 1 + max(visit.numbers.values(), default=0))
    for old in visit.numbers.keys() - set(visit.photos):
        del visit.numbers[old]
    link.set_choice("sample", key)
