"""A camera that takes a photograph a second while a button is held: Streamlit's takes one."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from pages.shared.components import component, message
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
        sent_shots = cast("dict[str, Any] | None", message(key, "shots"))
        for shot in sent_shots["shots"] if sent_shots else []:
            jpeg = base64.b64decode(shot["picture"].partition(",")[2])
            on_shot(Shot(int(shot["number"]), int(shot["place"]), jpeg))

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
    return Burst(
        is_let_go=bool(found.shots) and not found.shots["held"], problem=str(found.problem or "")
    )
