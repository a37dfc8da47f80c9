"""Choosing a photograph: the gallery, a drop zone, the camera. One choice for all pages."""

from functools import cache
from urllib.parse import urlsplit

import streamlit as st

from pages.shared import link
from pages.shared.components import style
from pages.shared.picture import data_url
from pages.shared.uploaded_files import free, uploaded_files
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, show_error
from tl_core.images import samples
from tl_core.images.decode import decode
from tl_core.images.encode import thumbnail
from tl_core.lab import UserError

_SAMPLES = {row.key: row for row in samples.SAMPLES}
_THUMBNAIL = 96  # pixels
_OWN_SHOWN = 4


def choose_photo(first: str = samples.SAMPLES[0].key) -> str:
    """Draw the picker; return the key of the visit's photograph, ``first`` if none was chosen."""
    keys = [*the_visit().photos[:_OWN_SHOWN], *_SAMPLES]
    style("photo_picker")
    with link.kept("sample", first, keys):
        chosen = str(st.session_state.sample)
        with st.popover(photo_label(chosen), icon=":material/photo_library:", key="photos"):
            with st.container(key="photo-picker"):
                st.pills(
                    _("Photograph"), keys, required=True, format_func=_picture_label, key="sample"
                )
            st.file_uploader(
                _("Drop a photograph of your own"),
                key="upload",
                on_change=_take,
                args=("upload",),
                max_upload_size=25,
            )
            _camera()
    if "photo_refused" in st.session_state:
        show_error(st.session_state.pop("photo_refused"))
    return chosen


def photo_label(key: str) -> str:
    """What to call the photograph."""
    return _(_SAMPLES[key].label) if key in _SAMPLES else _("your photograph")


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
    return labels[key]


def _picture_label(key: str) -> str:
    try:
        return f"![{photo_label(key)}]({thumbnail_url(key)})"
    except UserError:  # forgotten under memory pressure: the label says whose it was
        return photo_label(key)


@cache
def _sample_url(key: str) -> str:
    return _url(samples.read(key))


def _url(data: bytes) -> str:
    photo = decode(data, max_pixels=the_lab().settings.max_pixels, at_least=_THUMBNAIL)
    return data_url(thumbnail(photo, _THUMBNAIL))


def _camera() -> None:
    if not _camera_is_allowed():
        words = _("The camera works where the page is opened over https or on this very computer.")
        st.caption(words)
        return
    with st.popover(_("Take one with the camera"), icon=":material/photo_camera:", width="stretch"):
        if st.toggle(_("Camera on"), key="camera_on"):
            st.camera_input(
                _("Take a photograph"),
                key="camera",
                on_change=_take,
                args=("camera",),
                label_visibility="collapsed",
            )


def _camera_is_allowed() -> bool:
    """Browsers give the camera only to https and to the local machine."""
    parts = urlsplit(st.context.url or "http://localhost")
    return parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1")


def _take(widget: str) -> None:
    """Keep what was dropped or taken, and choose it."""
    for file in uploaded_files(widget):
        try:
            choose(the_lab().photos.add(file.getvalue(), the_visit().id))
        except UserError as error:
            st.session_state.photo_refused = error
        finally:
            free([file])


def choose(key: str) -> None:
    """Make one of the visitor's photographs the visit's; only before the picker is drawn."""
    visit = the_visit()
    visit.photos = [key, *(old for old in visit.photos if old != key)]
    link.set_choice("sample", key)
