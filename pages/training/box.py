"""One class of a visitor's own: its photographs, which its drop zone shows and takes."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import streamlit as st

from pages.shared.choose_photo import thumbnail_url
from pages.shared.components import anything, component, message, text
from pages.shared.photo_input import LIMITS, decoded, not_arrived
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, plain, sentence, show_error
from pages.training.squares import MOST, draw_squares
from pages.visit.state import Box
from tl_core.lab import UserError

_mount = component("photos", "travel")


def draw_photos(box: Box) -> None:
    """The drop zone of a box with its newest photographs, and what it is to be tested on."""
    key = f"photos_{box.id}"
    shown = list(_thumbnails(box.photos))
    _mount(
        key=key,
        data={
            "name": box.name,
            "count": photo_count(box),
            "photos": [{"key": photo, "url": address} for photo, address in shown],
            "more": len(box.photos) - len(shown),
            "taken": box.last,
            "limits": LIMITS,
            "words": _words(),
        },
        on_sent_change=lambda: receive(box, message(key, "sent", anything)),
        on_removed_change=lambda: _take_out(box, message(key, "removed", text)),
    )
    if box.tests:
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            words = _("For validation: {count}").format(count=len(box.tests))
            st.caption(words, width="content")
            tests = [address for _photo, address in _thumbnails(box.tests)]
            draw_squares(tests, more=len(box.tests) - len(tests), alt=words)
            st.button(
                _("Remove"),
                key=f"no_tests_{box.id}",
                icon=":material/close:",
                type="tertiary",
                help=_("Keep some of the class's own photographs aside for validation instead"),
                on_click=box.tests.clear,
            )


def photo_count(box: Box) -> str:
    """How many photographs there are, in words."""
    return _("Photographs: {count}").format(count=len(box.photos))


def receive(box: Box, sent: object) -> None:
    """Put the photographs of a message into the box, each once however often it is sent.

    The browser sends them until the last number counts as taken: a click elsewhere may break a
    run off.
    """
    left_out = defaultdict(list)
    try:
        for number, name, text in _each(sent):
            if number <= box.last:
                continue
            try:
                add_photo(box, decoded(text))
            except UserError as error:
                left_out[sentence(error)].append(name)
            box.last = number
    except UserError as error:
        refuse(error)
    for reason, names in left_out.items():
        words = _("Left out: {names}. {reason}")
        refuse(words.format(names=", ".join(map(plain, names)), reason=reason))


def _each(sent: object) -> Iterator[tuple[int, str, str]]:
    """Number, name and file of each photograph in a message."""
    match sent:
        case None:
            return  # its page was left meanwhile
        case {"photos": [*photos]}:
            pass
        case _:
            raise not_arrived()
    for photo in photos:
        match photo:
            case {"number": int(number), "name": str(name), "data": str(text)}:
                yield number, name, text
            case _:
                raise not_arrived()


def _take_out(box: Box, photo: str | None) -> None:
    if photo in box.photos:
        box.photos.remove(photo)


def add_photo(box: Box, data: bytes) -> None:
    """Put a photograph in, as the newest.

    Raises:
        UserError: If it is none that the lab can use.
    """
    key = the_lab().datasets.add_example(data, the_visit().id)
    box.photos = [*(old for old in box.photos if old != key), key]


def _thumbnails(photos: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The newest photographs, as many as there is room for, each with its small picture."""
    for photo in photos[-MOST:]:
        try:
            yield photo, thumbnail_url(photo)
        except UserError:
            continue  # forgotten under memory pressure: the run that needs it says so


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


def _words() -> dict[str, str]:
    return {
        "choose": _("Add photographs"),
        "open": _("Camera"),
        "remove": _("Take it out"),
        "waiting": _("{count} on their way"),
        "left_out": no_photographs(["{names}"]),
        "lost": _("The photographs did not arrive. Choose them again."),
    }
