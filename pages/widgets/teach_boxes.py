"""A visitor's own data set: a box per class, filled by dropping, from a zip or with the camera."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from pages.widgets.photo import camera_is_allowed
from pages.widgets.visit import the_lab, the_visit
from pages.widgets.words import _, show_error
from tl_core.lab import OwnUpload, UserError
from tl_core.specs import MAX_CLASSES, MIN_CLASSES, OwnClasses

_FIRST_NAMES = ("cats", "dogs")
_NAME_LENGTH = 60
_MAX_PHOTO_MB = 25


@dataclass
class Box:
    """One class: its name, its photographs, and what became of the files on its drop zone."""

    id: int
    name: str
    photos: list[str] = field(default_factory=list)
    listed: dict[str, str] = field(default_factory=dict)  # photographs by file, "" for no photo
    is_touched: bool = False  # files were dropped or taken away and not looked at yet

    def touch(self) -> None:
        self.is_touched = True


def own_boxes() -> OwnClasses:
    """Draw the boxes; return what is in them."""
    boxes = the_visit().boxes
    while len(boxes) < MIN_CLASSES:
        _add()
    for first in range(0, len(boxes), 2):
        for column, box in zip(st.columns(2), boxes[first : first + 2], strict=False):
            with column.container(border=True, height="stretch"):
                _draw(box)
    with st.container(horizontal=True):
        if len(boxes) < MAX_CLASSES:
            st.button(_("One more class"), key="add_class", icon=":material/add:", on_click=_add)
        _camera(boxes)
    _whole_sets()
    _say_what_was_left_out()
    return tuple((box.name, tuple(box.photos)) for box in boxes)


def _draw(box: Box) -> None:
    box.name = st.text_input(
        _("Name of the class"),
        box.name,
        max_chars=_NAME_LENGTH,
        key=f"class_{box.id}",
    ).strip()
    files = st.file_uploader(
        _("Drop photographs of this class"),
        accept_multiple_files=True,
        key=f"upload_{box.id}",
        on_change=box.touch,
        max_upload_size=_MAX_PHOTO_MB,
    )
    if box.is_touched:
        _take(box, files)
    elif not files:
        box.listed = {}  # an empty drop zone, as after a change of page, takes nothing away
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(_("{count} photographs in this box").format(count=len(box.photos)))
        if len(the_visit().boxes) > MIN_CLASSES:
            st.button(
                _("Remove"),
                key=f"remove_{box.id}",
                icon=":material/close:",
                type="tertiary",
                on_click=_remove,
                args=(box,),
            )


def _camera(boxes: list[Box]) -> None:
    if not camera_is_allowed():
        return
    with st.popover(_("Take them with the camera"), icon=":material/photo_camera:"):
        box = st.selectbox(_("Class"), boxes, format_func=lambda box: box.name, key="camera_class")
        if box is not None and st.toggle(_("Camera on"), key="camera_box_on"):
            st.camera_input(
                _("One photograph of {name}").format(name=box.name),
                key="camera_box",
                on_change=_snap,
                args=(box.id,),
            )


def _whole_sets() -> None:
    with st.expander(_("Or drop all classes at once: a zip or a whole folder")):
        st.caption(_("With one folder per class inside. It replaces the boxes above."))
        zipped, folder = st.columns(2)
        zipped.file_uploader(
            _("A zip"), type="zip", key="upload_zip", on_change=_take_set, args=("upload_zip",)
        )
        folder.file_uploader(
            _("A folder"),
            accept_multiple_files="directory",
            key="upload_folder",
            on_change=_take_set,
            args=("upload_folder",),
        )


def _refuse(what: UserError | str) -> None:
    """Say it below the boxes, once: an error, or the names of files that are no photographs."""
    st.session_state.setdefault("boxes_refused", []).append(what)


def _say_what_was_left_out() -> None:
    for refused in st.session_state.pop("boxes_refused", []):
        if isinstance(refused, UserError):
            show_error(refused)
        else:
            st.warning(_("No photograph, so left out: {names}").format(names=refused))


def _add() -> None:
    boxes = the_visit().boxes
    number = next(i for i in range(len(boxes) + 1) if all(box.id != i for box in boxes))
    name = _(_FIRST_NAMES[number]) if number < len(_FIRST_NAMES) else ""
    boxes.append(Box(number, name or _("class {number}").format(number=number + 1)))


def _remove(box: Box) -> None:
    the_visit().boxes.remove(box)


def _take(box: Box, files: Sequence[Any]) -> None:
    """Make the box hold what its drop zone lists, besides what came into it before.

    Not in a callback: a visitor who drops on the next box already would interrupt it for good,
    while the page is drawn anew and goes on here.
    """
    visitor, refused = the_visit().id, []
    for file in files:
        if file.file_id not in box.listed:
            try:
                box.listed[file.file_id] = the_lab().add_example(file.getvalue(), visitor)
            except UserError:
                box.listed[file.file_id] = ""
                refused.append(file.name)
    found = dict.fromkeys(box.listed[file.file_id] for file in files)
    gone = set(box.listed.values()) - found.keys()
    box.photos = [key for key in {**dict.fromkeys(box.photos), **found} if key and key not in gone]
    box.listed = {file.file_id: box.listed[file.file_id] for file in files}
    box.is_touched = False
    if refused:
        _refuse(", ".join(refused))


def _snap(number: int) -> None:
    photo = st.session_state.camera_box
    box = next((box for box in the_visit().boxes if box.id == number), None)
    if photo is None or box is None:
        return
    try:
        key = the_lab().add_example(photo.getvalue(), the_visit().id)
    except UserError as error:
        _refuse(error)
        return
    box.photos = [*(old for old in box.photos if old != key), key]


def _take_set(widget: str) -> None:
    """Replace the boxes by the classes of a zip or folder."""
    dropped = st.session_state[widget]
    if not dropped:
        return
    lab, visit = the_lab(), the_visit()
    try:
        found: OwnUpload = (
            lab.add_folder(((file.name, file.getvalue()) for file in dropped), visit.id)
            if isinstance(dropped, list)
            else lab.add_zip(dropped, visit.id)
        )
    except UserError as error:
        _refuse(error)
        return
    first = 1 + max((box.id for box in visit.boxes), default=0)  # new drop zones, which are empty
    visit.boxes = [
        Box(first + place, name, list(photos)) for place, (name, photos) in enumerate(found.classes)
    ]
    if found.left_out:
        _refuse(", ".join(found.left_out))
