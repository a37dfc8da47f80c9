"""A visitor's own data set: a box per class, filled by dropping, from a zip or with the camera."""

import streamlit as st

from pages.server import process_state
from pages.server.upload_limits import counted
from pages.shared.choose_photo import Fold
from pages.shared.live import POLL_S
from pages.shared.uploaded_files import empty, take_out, uploaded_files
from pages.shared.visit import script_context, the_lab, the_visit, visits
from pages.shared.words import _
from pages.training.box import draw_photos, listed, no_photographs, refuse, say_what_was_left_out
from pages.training.ready_photos import ready_photos
from pages.training.thrown_away import remove
from pages.visit.intake import Intake
from pages.visit.state import Box
from tl_core.lab import BackboneRow, OwnUpload
from tl_core.lab import gettext_noop as N_
from tl_core.settings import LARGEST_ZIP_MB
from tl_core.specs.datasets import MAX_CLASSES, MAX_NAME_LENGTH, MIN_CLASSES

_FIRST_NAMES = (N_("cats"), N_("dogs"))


def own_boxes(row: BackboneRow) -> None:
    """Draw the boxes of the visit; ``row`` is of the network that learns from them."""
    _take_what_was_read()
    boxes = the_visit().boxes
    while len(boxes) < MIN_CLASSES:
        add_box()
    with st.container(gap="small", key="boxes"):
        for box in boxes:
            with st.container(border=True, key=f"box_{box.id}"):
                _draw(box, row)
    intake = the_visit().intake
    if intake is not None:  # it may be over by now, which draws the page anew
        _follow(intake)
    say_what_was_left_out()


def more_boxes(fold: Fold) -> None:
    """Draw further boxes, and in a popover or an expander each other ways to fill them."""
    boxes = the_visit().boxes
    with st.container(horizontal=True, gap="small"):
        st.button(
            _("Add a class"),
            key="add_class",
            icon=":material/add:",
            on_click=_add,
            disabled=len(boxes) >= MAX_CLASSES,
        )
        if not any(box.is_other for box in boxes):
            st.button(
                _("Something else"),
                key="add_other",
                icon=":material/category:",
                on_click=_add,
                kwargs={"is_other": True},
                disabled=len(boxes) >= MAX_CLASSES,
                help=_(
                    "Adds a class for anything that fits no other class. It's a second way to get "
                    "“none of these”, which the page then compares with the distance."
                ),
            )
        ready_photos(boxes, fold)
        _whole_sets(fold)


def _draw(box: Box, row: BackboneRow) -> None:
    with st.container(horizontal=True, gap="small", key=f"name_{box.id}"):
        box.name = st.text_input(
            _("Class name"),
            box.name,
            max_chars=MAX_NAME_LENGTH,
            key=f"class_{box.id}",
            label_visibility="collapsed",
        ).strip()
        if len(the_visit().boxes) > MIN_CLASSES:
            st.button(
                _("Remove"),
                key=f"remove_{box.id}",
                icon=":material/close:",
                type="tertiary",
                help=_("Remove"),
                on_click=remove,
                args=(box,),
            )
    draw_photos(box, row)


def _whole_sets(fold: Fold) -> None:
    with fold(_("Zip or folder"), icon=":material/folder_zip:"):
        words = _("All classes at once, one folder per class. This replaces your boxes.")
        st.caption(words)
        st.file_uploader(
            _("A zip"),
            type="zip",
            key="upload_zip",
            max_upload_size=LARGEST_ZIP_MB,
            on_change=_take_set,
            args=("upload_zip",),
        )
        st.file_uploader(
            _("A folder"),
            accept_multiple_files="directory",
            key="upload_folder",
            max_upload_size=LARGEST_ZIP_MB,
            on_change=_take_set,
            args=("upload_folder",),
        )


def _add(*, is_other: bool = False) -> None:
    add_box(is_other=is_other)


def add_box(*, is_other: bool = False) -> Box:
    """Add an empty class, or return the last one where there is room for no more."""
    boxes = the_visit().boxes
    if len(boxes) >= MAX_CLASSES:
        return boxes[-1]
    number = next(i for i in range(len(boxes) + 1) if all(box.id != i for box in boxes))
    name = _(_FIRST_NAMES[number]) if number < len(_FIRST_NAMES) else ""
    name = _("something else") if is_other else name
    name = name or _("class {number}").format(number=number + 1)
    boxes.append(Box(number, name, is_other=is_other))
    return boxes[-1]


def _take_set(widget: str) -> None:
    """Begin to read a zip or folder, in place of one that is being read."""
    dropped = uploaded_files(widget)
    if not dropped:
        return
    take_out(dropped)
    lab, visit, session = the_lab(), the_visit(), script_context().session_id
    if visit.intake is not None:
        visit.intake.stop()
    intake = visit.intake = Intake(lambda: visit.id in visits.absent())

    process_state.being_read[intake] = session, sum(counted(file.size) for file in dropped)

    def read() -> OwnUpload:
        if widget == "upload_zip":
            return lab.datasets.add_zip(
                dropped[0], visit.id, is_here=intake.is_wanted, on_count=intake.expect
            )
        intake.expect(len(dropped))
        files = ((file.name, file.getvalue()) for file in dropped)
        return lab.datasets.add_folder(files, visit.id, is_here=intake.is_wanted)

    def end() -> None:
        empty(dropped, lab)
        process_state.being_read.pop(intake, None)

    intake.begin(read, end)


@st.fragment(run_every=POLL_S)
def _follow(intake: Intake) -> None:
    """How far the reading is, with a stop."""
    the_visit()
    if intake.is_over:
        st.rerun()
    begun, files = intake.begun, max(intake.files, 1)
    words = _("Reading your photographs: {done} of {files}")
    with st.container(horizontal=True, vertical_alignment="center", key="intake"):
        text = words.format(done=min(begun, files), files=files)
        st.progress(min(begun / files, 1.0), text=text)
        st.button(_("Stop"), key="stop_intake", icon=":material/stop:", on_click=intake.stop)


def _take_what_was_read() -> None:
    """Replace the boxes by the classes of a zip or folder, if one has been read."""
    visit = the_visit()
    intake = visit.intake
    if intake is None or not intake.is_over:
        return
    visit.intake = None
    if intake.is_stopped:
        return
    if intake.error is not None:
        refuse(intake.error)
    found = intake.result
    if found is None:
        return
    first = 1 + max((box.id for box in visit.boxes), default=0)  # new drop zones, which are empty
    visit.thrown_away.clear()
    visit.boxes = [
        Box(number, name, list(photos))
        for number, (name, photos) in enumerate(found.classes, start=first)
    ]
    if found.left_out:
        refuse(no_photographs(found.left_out))
    if found.beside:
        words = _("Left out because they aren't inside a class folder: {names}")
        refuse(words.format(names=listed(found.beside)))
