"""A wrong answer becomes an example: its photograph goes into the class that it shows."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from pages.shared.choose_photo import pictures_of, with_picture
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, plain
from pages.training.box import require_room
from pages.training.boxes import add_box
from pages.visit.state import MOST_KEPT, Box, Correction, trim
from tl_core.images import samples
from tl_core.lab import UserError
from tl_core.lab import gettext_noop as N_
from tl_core.specs.classify import Classification
from tl_core.specs.datasets import MAX_CLASSES, MAX_NAME_LENGTH, MAX_PHOTOS

SOMETHING_NEW = N_("Something new")
_KEYS = 9  # classes that a digit chooses
_LIVE = -1  # the recording that all frames corrected live are from: they are near copies
_SHOWN = 6
_EXAMPLES = 12  # of a box; more pictures would travel with every run of the page


def examples_of(boxes: Sequence[Box]) -> dict[str, str]:
    """Pictures of the newest photographs in the boxes, by their keys."""
    return pictures_of(photo for box in boxes for photo in box.photos[-_EXAMPLES:])


def draw_fixes(boxes: Sequence[Box], photo: str, found: Classification, *, is_sure: bool) -> None:
    """Draw a button for each class that the photograph may show instead of what was said."""
    said = found.answers[0]
    with st.container(horizontal=True, gap="small", key="fixes", vertical_alignment="center"):
        st.caption(_("No, it's …") if is_sure else _("It is …"), width="content")
        for number, box in enumerate(boxes):
            if is_sure and number == said.index:
                continue
            st.button(
                plain(box.name),
                key=f"fix_{box.id}",
                shortcut=str(number + 1) if number < _KEYS else None,
                on_click=_correct_still,
                args=(box, photo, said.label),
            )
        if len(the_visit().boxes) < MAX_CLASSES:
            with st.popover(_(SOMETHING_NEW), key="fix_new"):
                st.text_input(_("What is it?"), key="new_class", max_chars=MAX_NAME_LENGTH)
                st.button(
                    _("Teach it this"),
                    key="add_new",
                    type="primary",
                    on_click=_name_new,
                    args=(boxes, photo, said.label),
                )


def correct_frame(boxes: Sequence[Box], number: int, data: bytes) -> None:
    """Put a frame of the camera into the box of that number; the one after the last is a new one.

    Raises:
        UserError: If it is no photograph, or there is no such box.
    """
    if not 0 <= number <= len(boxes):
        raise UserError("That class is no longer there. Check the boxes, then try again.")
    require_room()
    key = the_lab().datasets.add_example(data, the_visit().id)
    box = [*boxes, *([] if number < len(boxes) else [_new_box(boxes)])][number]
    box.bursts[key] = _LIVE
    trim(box.bursts, len(box.photos) + MOST_KEPT)
    _note(box, key, "")


def _new_box(boxes: Sequence[Box]) -> Box:
    """The class that a correction has begun and no model knows yet, or one more."""
    known, begun = {box.id for box in boxes}, {box.id: box for _one, box in corrected()}
    new = [box for number, box in begun.items() if number not in known]
    return new[-1] if new else add_box()


def _name_new(boxes: Sequence[Box], photo: str, said: str) -> None:
    box, name = _new_box(boxes), st.session_state.new_class.strip()
    box.name = name or box.name
    _correct_still(box, photo, said)


def _correct_still(box: Box, photo: str, said: str) -> None:
    try:
        require_room()
        is_sample = photo.startswith(samples.PREFIX)
        data = samples.read(photo) if is_sample else the_lab().photos.data(photo)
        key = the_lab().datasets.add_example(data, the_visit().id)
    except UserError as error:
        the_visit().photo_refused = error
        return
    _note(box, key, said)


def _note(box: Box, key: str, said: str) -> None:
    """Put the photograph into its box, and into no other."""
    visit = the_visit()
    for other in visit.boxes:
        other.photos = [photo for photo in other.photos if photo != key]
    box.photos = [*(photo for photo in box.photos if photo != key), key]
    others = [one for one in visit.corrections if one.photo != key]
    visit.corrections = [*others, Correction(key, box.id, said)][-MAX_PHOTOS:]


def corrected() -> list[tuple[Correction, Box]]:
    """What was corrected and not taken back, oldest first, each with its box."""
    visit = the_visit()
    boxes = {box.id: box for box in visit.boxes}
    return [
        (one, boxes[one.box])
        for one in visit.corrections
        if one.box in boxes and one.photo in boxes[one.box].photos
    ]


def draw_corrected() -> None:
    """Draw the newest corrections, each with a way back."""
    found = corrected()
    if not found:
        return
    with st.container(key="corrected", gap="xsmall"):
        words = _("Corrected: {count}. It learns from these; none is used for validation.")
        st.caption(words.format(count=len(found)))
        for correction, box in reversed(found[-_SHOWN:]):
            _draw(correction, box)


def _draw(correction: Correction, box: Box) -> None:
    words = plain(box.name)
    if correction.said:
        words = _("{label}, not {said}").format(label=plain(box.name), said=plain(correction.said))
    st.button(
        with_picture(correction.photo, words),
        key=f"undo_{correction.photo}",
        icon=":material/undo:",
        type="tertiary",
        help=_("Undo this correction"),
        on_click=partial(_take_back, correction, box),
    )


def _take_back(correction: Correction, box: Box) -> None:
    visit = the_visit()
    box.photos = [photo for photo in box.photos if photo != correction.photo]
    visit.corrections = [one for one in visit.corrections if one != correction]
