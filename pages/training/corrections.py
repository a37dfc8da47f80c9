"""A wrong answer becomes an example: its photograph goes into the class that it shows."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from pages.shared.choose_photo import thumbnail_url
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, plain
from pages.training.box import require_room
from pages.visit.state import Box, Correction, trim
from tl_core.classify.spec import Classification
from tl_core.datasets.spec import MAX_PHOTOS
from tl_core.images import samples
from tl_core.lab import UserError

_KEYS = 9  # classes that a digit chooses
_LIVE = -1  # the recording that all frames corrected live are from: they are near copies
_SHOWN = 6
_EXAMPLES = 12  # of a box; more pictures would travel with every run of the page


def examples_of(boxes: Sequence[Box]) -> dict[str, str]:
    """Pictures of the newest photographs in the boxes, by their keys."""
    found = {}
    for photo in (photo for box in boxes for photo in box.photos[-_EXAMPLES:]):
        try:
            found[photo] = thumbnail_url(photo)
        except UserError:  # it has left the memory
            continue
    return found


def draw_fixes(boxes: Sequence[Box], photo: str, found: Classification, *, is_sure: bool) -> None:
    """Draw a button for each class that the photograph may show instead of what was said."""
    said = found.answers[0]
    with st.container(horizontal=True, gap="small", key="fixes", vertical_alignment="center"):
        st.caption(_("No, it is …") if is_sure else _("It is …"), width="content")
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


def correct_frame(boxes: Sequence[Box], number: int, data: bytes) -> None:
    """Put a frame of the camera into the box of that number.

    Raises:
        UserError: If it is no photograph, or there is no such box.
    """
    if not 0 <= number < len(boxes):
        raise UserError("That class is not there any more. Look at the boxes, then try again.")
    box = boxes[number]
    require_room()
    key = the_lab().datasets.add_example(data, the_visit().id)
    box.bursts[key] = _LIVE
    trim(box.bursts, 2 * MAX_PHOTOS)
    _note(box, key, "")


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
    box.photos = [*box.photos, key]
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
        words = _("Corrected: {count}. It learns from them, and none of them tests it.")
        st.caption(words.format(count=len(found)))
        for correction, box in reversed(found[-_SHOWN:]):
            _draw(correction, box)


def _draw(correction: Correction, box: Box) -> None:
    words = plain(box.name)
    if correction.said:
        words = _("{label}, not {said}").format(label=plain(box.name), said=plain(correction.said))
    try:
        picture = f"![]({thumbnail_url(correction.photo)}) "
    except UserError:  # it has left the memory
        picture = ""
    st.button(
        picture + words,
        key=f"undo_{correction.photo}",
        icon=":material/undo:",
        type="tertiary",
        help=_("Take this correction back"),
        on_click=partial(_take_back, correction, box),
    )


def _take_back(correction: Correction, box: Box) -> None:
    visit = the_visit()
    box.photos = [photo for photo in box.photos if photo != correction.photo]
    visit.corrections = [one for one in visit.corrections if one != correction]
