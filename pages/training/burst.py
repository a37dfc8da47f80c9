"""A camera that takes a photograph a second while a button is held: Streamlit's takes one."""

import base64
from collections.abc import Callable
from dataclasses import dataclass

from pages.shared.components import WrongShape, component, message, read, text, whole_number
from pages.shared.words import _

_mount = component("camera", "lens")


@dataclass(frozen=True, slots=True)
class Shot:
    """One photograph; the camera sends it again until its number counts as taken."""

    number: int  # grows from shot to shot, through the whole visit
    place: int  # what the page asked the camera to take it for
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Burst:
    """The state of the camera."""

    is_let_go: bool  # the button has just come up
    problem: str  # why there is no camera, as the browser names it; "" for none


def burst(
    key: str, *, place: int, taken: int, count: str, on_shot: Callable[[Shot], None]
) -> Burst:
    """Draw the camera; call ``on_shot`` with each photograph it sends, some of them again.

    ``taken`` is the largest number dealt with, ``count`` the line below the picture.
    """

    def sent() -> None:
        sent_shots = message(key, "shots", _shots)
        for shot in sent_shots.shots if sent_shots else ():
            on_shot(shot)

    found = _mount(
        key=key,
        data={
            "place": place,
            "taken": taken,
            "count": count,
            "words": {
                "open": _("Open the camera"),
                "close": _("Close the camera"),
                "hold": _("Hold to take photographs"),
                "turn": _("Use the other camera"),
            },
        },
        on_shots_change=sent,
        on_problem_change=lambda: None,
    )
    shots = read(found.shots, _shots)
    return Burst(
        is_let_go=shots is not None and not shots.is_held, problem=read(found.problem, text) or ""
    )


@dataclass(frozen=True, slots=True)
class _Shots:
    is_held: bool
    shots: tuple[Shot, ...]


def _shots(value: object) -> _Shots:
    """The shape of what the camera has taken and the page has not dealt with."""
    match value:
        case {"held": bool(is_held), "shots": [*shots]}:
            return _Shots(is_held, tuple(map(_shot, shots)))
    raise WrongShape


def _shot(value: object) -> Shot:
    match value:
        case {"number": number, "place": place, "picture": str(picture)}:
            try:
                jpeg = base64.b64decode(picture.partition(",")[2], validate=True)
            except ValueError as error:
                raise WrongShape from error
            return Shot(whole_number(number), whole_number(place), jpeg)
    raise WrongShape
