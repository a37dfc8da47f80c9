"""Photographs and classes that were thrown away, and the button that brings them back."""

import streamlit as st

from pages.shared.visit import the_visit
from pages.shared.words import _, plain
from pages.visit.state import Box, ThrownAway
from tl_core.specs.datasets import MAX_CLASSES

_MOST = 20  # steps back


def take_out(box: Box, photo: str | None) -> None:
    """Take a photograph out of its box."""
    if photo in box.photos:
        place = box.photos.index(photo)
        box.photos.remove(photo)
        box.has_changed = True
        _note(ThrownAway(box, (photo,), place))


def empty(box: Box) -> None:
    """Take all photographs out of a box."""
    if box.photos:
        _note(ThrownAway(box, tuple(box.photos), 0))
        box.photos, box.has_changed = [], True


def remove(box: Box) -> None:
    """Throw a whole class away."""
    boxes = the_visit().boxes
    if box in boxes:
        _note(ThrownAway(box, (), boxes.index(box)))
        boxes.remove(box)


def undo_button() -> None:
    """A button that brings back what was thrown away last; nothing where nothing was."""
    thrown_away = the_visit().thrown_away
    if thrown_away:
        st.button(
            _("Undo"),
            key="undo_boxes",
            icon=":material/undo:",
            help=_words(thrown_away[-1]),
            on_click=_bring_back,
        )


def _words(last: ThrownAway) -> str:
    if not last.photos:
        return _("Bring the class {name} back").format(name=plain(last.box.name))
    words = _("Bring back what was taken out of {name}: {count}")
    return words.format(name=plain(last.box.name), count=len(last.photos))


def _note(what: ThrownAway) -> None:
    visit = the_visit()
    visit.thrown_away = [*visit.thrown_away, what][-_MOST:]


def _bring_back() -> None:
    visit = the_visit()
    if not visit.thrown_away:
        return
    last = visit.thrown_away.pop()
    if not last.photos:
        room = max(visit.room, 0)
        last.box.tests = last.box.tests[:room]
        last.box.photos = last.box.photos[: room - len(last.box.tests)]
        visit.boxes.insert(last.place, last.box)
        del visit.boxes[MAX_CLASSES:]
        return
    back = [photo for photo in last.photos if photo not in last.box.photos][: max(visit.room, 0)]
    last.box.photos[last.place : last.place] = back
