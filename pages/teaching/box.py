"""One class of a visitor's own, and the photographs in its box."""

from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.typing import UploadedFile

from pages.shared.choose_photo import thumbnail_url
from pages.shared.uploaded_files import free
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, plain, show_error
from pages.state import Box
from pages.teaching.squares import MOST, draw_squares
from tl_core.lab import UserError


def photo_count(box: Box) -> str:
    """How many photographs there are, in words."""
    return _("Photographs in this box: {count}").format(count=len(box.photos))


def draw_photos(box: Box) -> None:
    """The newest photographs of a box as small squares."""
    addresses = []
    for key in box.photos[-MOST:]:
        try:
            addresses.append(thumbnail_url(key))
        except UserError:
            continue  # forgotten under memory pressure: the run that needs it says so
    if addresses:
        draw_squares(addresses, more=len(box.photos) - len(addresses), alt=photo_count(box))


def add_photo(box: Box, jpeg: bytes) -> None:
    """Put a photograph of the camera in, unless it is there."""
    try:
        key = the_lab().datasets.add_example(jpeg, the_visit().id)
    except UserError as error:
        refuse(error)
    else:
        box.photos = [*(old for old in box.photos if old != key), key]


def take_files(box: Box, files: Sequence[Any]) -> None:
    """Add the drop zone's new files to the box, take out those removed there, free their bytes.

    Not in a callback: a visitor who drops on the next box already would interrupt it for good,
    while the page is drawn anew and goes on here.
    """
    visitor, refused = the_visit().id, []
    fresh = [file for file in files if isinstance(file, UploadedFile)]  # others were freed
    for file in fresh:
        if file.file_id not in box.listed:
            try:
                box.listed[file.file_id] = the_lab().datasets.add_example(file.getvalue(), visitor)
            except UserError:
                box.listed[file.file_id] = ""
                refused.append(file.name)
    free(fresh)
    ids = [file.file_id for file in files if file.file_id in box.listed]
    found = dict.fromkeys(box.listed[file_id] for file_id in ids)
    gone = set(box.listed.values()) - found.keys()
    kept = {**dict.fromkeys(box.photos), **found}
    box.photos = [key for key in kept if key and key not in gone]
    box.listed = {file_id: box.listed[file_id] for file_id in ids}
    box.is_touched = False
    if refused:
        refuse(no_photographs(refused))


def no_photographs(names: Sequence[str]) -> str:
    """The sentence about files that could not be read."""
    return _("No photograph, so left out: {names}").format(names=", ".join(map(plain, names)))


def refuse(what: UserError | str) -> None:
    """Have an error or a remark shown once, below the boxes."""
    st.session_state.setdefault("boxes_refused", []).append(what)


def say_what_was_left_out() -> None:
    """Show what was refused since the page was last drawn."""
    for refused in st.session_state.pop("boxes_refused", []):
        if isinstance(refused, UserError):
            show_error(refused)
        else:
            st.warning(refused)
