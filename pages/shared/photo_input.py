"""A photograph of the visitor's own: from a file, dropped, pasted or taken with the camera."""

import base64
import binascii
from collections.abc import Callable

import streamlit as st

from pages.shared.components import anything, component, is_whole, message
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, show_error
from pages.visit.state import Box
from tl_core.lab import UserError
from tl_core.settings import LARGEST_PHOTO_MB

_KEY = "photo"
_MB = 2**20
# For what the browser does not make smaller: in base64 that is 22.4 million bytes, and Streamlit
# takes 25 million in a message (server.maxWidgetStateSize)
MAX_AS_IT_IS_BYTES = 16 * _MB
LIMITS = {"decoded": LARGEST_PHOTO_MB * _MB, "as_it_is": MAX_AS_IT_IS_BYTES}  # for the browser

_mount = component("photo", "mount", "travel", "lens")


def photo_input(picture: str | None, alt: str, *, on_photo: Callable[[bytes], None]) -> None:
    """Draw the bar with the current photograph; call ``on_photo`` with the file of a new one.

    ``picture`` is a data URL, ``alt`` what it shows. The file was made smaller in the browser
    where it was large. What the browser refuses is said below the bar, what ``on_photo`` refuses by
    ``show_refused_photo``.
    """
    _mount(
        key=_KEY,
        data={
            "picture": picture,
            "alt": alt,
            "taken": the_visit().last_photo,
            "limits": LIMITS,
            "words": _words(),
        },
        on_sent_change=lambda: take_sent(_KEY, on_photo),
    )


def take_sent(component: str, on_photo: Callable[[bytes], None]) -> None:
    """Hand on the photograph that a component has just sent; a refusal is said by the page."""
    if component not in st.session_state:
        return  # its page was left meanwhile; the next one's bar sends the photograph again
    try:
        receive(message(component, "sent", anything), on_photo)
    except UserError as error:
        the_visit().photo_refused = error


def show_refused_photo() -> None:
    """Say once why the visitor's last photograph was refused."""
    visit = the_visit()
    if visit.photo_refused is not None:
        show_error(visit.photo_refused)
        visit.photo_refused = None


def receive(message: object, on_photo: Callable[[bytes], None]) -> None:
    """Hand on the photograph in a message of the browser, once however often it is sent.

    The browser sends it until its number counts as taken: a click elsewhere may break a run off.

    Raises:
        UserError: If the message holds no file, or ``on_photo`` refuses it.
    """
    match message:
        case {"number": number, "data": str(text)} if is_whole(number):
            data = decoded(text)
        case _:
            raise not_arrived()
    visit = the_visit()
    if number <= visit.last_photo:
        return
    try:
        on_photo(data)
    except UserError:
        visit.last_photo = number
        raise
    visit.last_photo = number


def own_photos() -> None:
    """Say where the visitor's photographs are, with a button that forgets them."""
    st.caption(
        _(
            "Your photograph is kept only in this server's memory and deleted when your visit "
            "ends. If there are people in it, ask them first."
        )
    )
    visit = the_visit()
    st.button(
        _("Forget my photographs"),
        key="forget_photos",
        icon=":material/delete:",
        help=_(
            "This also empties the boxes on Teach it straight away. Pictures and models made from "
            "your photographs stay until you leave."
        ),
        disabled=not (visit.photos or any(box.photos for box in visit.boxes)),
        on_click=_forget,
    )


def _forget() -> None:
    visit = the_visit()
    visit.photos.clear()
    visit.numbers.clear()
    visit.labels.clear()
    visit.thrown_away.clear()
    visit.tries.clear()
    first = 1 + max((box.id for box in visit.boxes), default=0)  # new drop zones, which are empty
    visit.boxes = [Box(number, box.name) for number, box in enumerate(visit.boxes, start=first)]
    the_lab().forget_photos(visit.id)


def decoded(text: str) -> bytes:
    """A file as the browser sends it in a message.

    Raises:
        UserError: If that was cut or changed on its way.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise not_arrived() from error


def not_arrived() -> UserError:
    """What is said of a message that holds no file."""
    return UserError("Only part of the photograph arrived. Choose it again.")


def _words() -> dict[str, object]:
    too_large = _("This file is more than {limit} MB. Save a smaller copy and choose that.")
    return {
        "bar": _("Your photograph"),
        "replace": _("Choose another photograph"),
        "upload": _("Upload"),
        "open": _("Camera"),
        "shutter": _("Take the photograph"),
        "turn": _("Use the other camera"),
        "close": _("Close the camera"),
        "drop": _("Drop the photograph anywhere"),
        "first": _("One photograph at a time: here's the first."),
        "wrong": _("This file is not a photograph. Choose a JPEG, PNG, WebP, GIF, BMP or HEIC."),
        "empty": _("This file is empty. Choose another photograph."),
        "large": too_large.format(limit=LARGEST_PHOTO_MB),
        "large_as_it_is": too_large.format(limit=MAX_AS_IT_IS_BYTES // _MB),
        "lost": _("The photograph did not arrive. Choose it again."),
        "problems": {
            "NotAllowedError": _(
                "Camera access was blocked. Allow it in the address bar, then open it again."
            ),
            "NotFoundError": _("This device has no camera. Upload a photograph instead."),
            "other": _("The camera did not start; another program may be using it. Open it again."),
        },
    }
