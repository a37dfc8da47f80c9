"""The gallery of the visit: every finished picture, with its downloads."""

import io
from collections.abc import Sequence
from functools import partial

import streamlit as st
from PIL import Image

from pages.shared.download import download
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, plain
from pages.visit.state import Finished

_COMMAND = "python -m tl_core ideal --spec picture.json --out again.png"
_OWN_PHOTO = " --photo start.png"
_MOST = 23  # pictures kept beside the newest
_GAP = 4  # pixels between the pictures of a contact sheet


def add(picture: Finished) -> None:
    """Put a picture into the gallery once; the oldest leave where memory is short."""
    visit, memory = the_visit(), the_lab().memory
    if any(picture.png == kept.png for kept in visit.gallery):
        return
    visit.gallery = [picture, *visit.gallery[:_MOST]]
    memory.record(visit.id, sum(map(_size_bytes, visit.gallery)))
    while len(visit.gallery) > 1 and not memory.room(visit.id, "finished pictures"):
        visit.gallery.pop()
        memory.record(visit.id, sum(map(_size_bytes, visit.gallery)))


def downloads(picture: Finished, *, key: str) -> None:
    """Download buttons of a picture, and the command that draws it again."""
    with st.popover(_("Download"), icon=":material/download:", key=f"take_{key}"):
        picture_key = "download" if key == "main" else f"download_{key}"
        words = _("Picture (PNG, settings inside)")
        download(words, picture.png, "picture.png", key=picture_key)
        download(_("Settings (JSON)"), picture.settings, "picture.json", key=f"json_{key}")
        if len(picture.frames) > 1:
            film = partial(animation, picture.frames)
            download(_("Animation (WebP)"), film, "picture.webp", key=f"film_{key}")
        st.caption(
            _(
                "Draw it again from the command line. If it was drawn alone on the same kind of "
                "CPU, every byte is the same; otherwise rounding changes it a little."
            )
        )
        own = _OWN_PHOTO if picture.is_from_own_photo else ""
        st.code(_COMMAND + own, language="console", wrap_lines=True)


def animation(frames: Sequence[bytes]) -> bytes:
    """An animated WebP that holds its last frame for two seconds."""
    pictures = [Image.open(io.BytesIO(frame)) for frame in frames]
    frame_ms = [80] * (len(pictures) - 1) + [2000]
    buffer = io.BytesIO()
    pictures[0].save(
        buffer, "WEBP", save_all=True, append_images=pictures[1:], duration=frame_ms, quality=80
    )
    return buffer.getvalue()


def contact_sheet(pictures: Sequence[bytes]) -> bytes:
    """Pictures of one size side by side, as PNG."""
    opened = [Image.open(io.BytesIO(picture)) for picture in pictures]
    width, height = opened[0].width + _GAP, opened[0].height
    sheet = Image.new("RGB", (width * len(opened) - _GAP, height), "white")
    for column, picture in enumerate(opened):
        sheet.paste(picture, (column * width, 0))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def show() -> None:
    """The pictures of this visit, newest first."""
    gallery = the_visit().gallery
    if not gallery:
        return
    st.header(_("Your gallery"), anchor=False)
    for index, picture in enumerate(gallery):
        if index % 6 == 0:
            row = st.columns(6)
        with row[index % 6]:
            words, alt = plain(picture.label), picture.label
            st.image(picture.png, output_format="PNG", width="stretch", caption=words, alt=alt)
            downloads(picture, key=str(index))


def _size_bytes(picture: Finished) -> int:
    return len(picture.png) + sum(map(len, picture.frames))
