"""The camera in the photograph's place: the network answers while one moves it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

import streamlit as st

from pages.server import live_frames
from pages.shared.choose_backbone import label_of
from pages.shared.choose_photo import take
from pages.shared.components import anything, component, message, style
from pages.shared.photo_input import take_sent
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, class_name, current_language, plain
from tl_core.images import heatmap

OPACITY = 0.6  # of a heat map
_KEY = "live_camera"
_mount = component("live", "mount", "travel", "lens", "plain_key")
_mount_answers = component("live_answers", "mount", "plain_key")


def live_switch() -> bool:
    """Draw the switch in the picture's corner; whether the camera is on."""
    visit = the_visit()
    style("live_switch")
    st.session_state.setdefault("live", visit.is_live)
    with st.container(key="live_switch", width="content"):
        visit.is_live = st.toggle(
            _("Live"), key="live", help=_("Point your camera: the network answers at once.")
        )
    return visit.is_live


def turn_live_on() -> None:
    """Put the camera in the photograph's place; for callbacks."""
    the_visit().is_live = st.session_state.live = True


@st.fragment
def live_view(
    backbone: str,
    strength: float = OPACITY,
    *,
    is_titled: bool = False,
    on_correct: Callable[[int, bytes], None] | None = None,
) -> None:
    """Draw the camera's picture under the map of a class, and the buttons below it.

    ``strength`` is how much the map hides the picture. A frozen frame becomes the visit's
    photograph, and the camera goes off. With ``is_titled`` the best answer stands above in large
    letters, and a button gives both the whole screen, by the page's rules. A frame that shows
    another class than was said goes to ``on_correct``, with the class's number; the camera goes on.
    """
    row = the_lab().backbones.row(backbone)
    visit = the_visit()
    _mount(
        key=_KEY,
        data={
            "path": live_frames.PATH,
            "token": visit.live_token,
            "backbone": backbone,
            "language": current_language().code,
            "side": row.input_size,
            "resize": row.resize,
            "has_map": row.is_pooled,
            "is_titled": is_titled,
            "strength": strength,
            "colours": heatmap.warm_levels(),
            "taken": visit.last_photo,
            "words": _words(),
        },
        on_sent_change=lambda: _take(on_correct),
    )
    if not visit.is_live or visit.has_corrected:
        st.rerun()  # the page around it shows the new photograph, or learns from it
    if not row.is_pooled:
        words = _(
            "{label} has no live heat map. A [CAM](#class-activation-map) works only if a single "
            "layer follows the averages of the last feature maps, and here there are several."
        )
        st.caption(words.format(label=plain(row.label)))


def live_answers(
    backbone: str,
    *,
    is_titled: bool = False,
    unsure_lead: float = 0.0,
    none_share: float = 0.0,
    fixes: Sequence[str] = (),
    examples: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Draw the answers' bars, which follow the camera; a click on one keeps its map.

    Above them stands what the network says, or, where the view ``is_titled``, there the best answer
    alone. Where that leads by less than ``unsure_lead``, it is called unsure; where the picture is
    less usual than ``none_share`` of those of its classes, none of these. ``fixes`` are the classes
    that a frame can be put into by a press or its digit. Of the ``examples`` that it was taught
    with, pictures by key, the nearest is shown.
    """
    classes, network = the_lab().backbones.classes(backbone), label_of(backbone)
    says = _("{backbone} says: {label}")
    _mount_answers(
        key="live_answers",
        data={
            "classes": [class_name(name) for name in classes],
            "language": current_language().code,
            "unsure_lead": unsure_lead,
            "none_share": none_share,
            "fixes": list(fixes),
            "examples": dict(examples),
            "is_titled": is_titled,
            "words": {
                "bars": _("Most probable classes"),
                "says": "{label}" if is_titled else says.replace("{backbone}", network),
                "unsure": _("Unsure: {label} or {second}"),
                "more": _(
                    "If it's one of them, show the network more of each. If it's neither, press "
                    "“Something else” among the classes and show it that."
                ),
                "none": _("None of these"),
                "near": _("The nearest photograph it was taught with"),
                "fix": _("No, it's …"),
                "fixed": _("Added to “{label}”. It's learning again."),
                "softmax": _("Softmax must share 100 % among its classes. Most goes to: {label}."),
                "waiting": _("Point the camera at something"),
                "hint": _("Click a class to keep its map; click again to follow the top class."),
            },
        },
    )


def _take(on_correct: Callable[[int, bytes], None] | None) -> None:
    """Take in a frame: as a correction where a class came with it, else frozen."""
    visit = the_visit()
    taken = visit.last_photo
    match message(_KEY, "sent", anything):
        case {"label": int(label)} if type(label) is int and on_correct is not None:
            take_sent(_KEY, partial(on_correct, label))
            visit.has_corrected = visit.last_photo > taken
            return
    take_sent(_KEY, take)
    if visit.last_photo > taken:
        visit.is_live = st.session_state.live = False


def _words() -> dict[str, object]:
    return {
        "view": _("Camera picture. Press to freeze it."),
        "again": _("Try the camera again"),
        "freeze": _("Freeze (F)"),
        "freeze_it": _("Freeze"),
        "heat": _("Heat map"),
        "turn": _("Use the other camera"),
        "full": _("Full screen"),
        "pace": _("{rate} a second, {ms} ms."),
        "others": _("Others using it live now: {count}."),
        "lost": _("Connection lost. Trying again …"),
        "problems": {
            "NotAllowedError": _(
                "Camera access was blocked. Allow it in the address bar, then press the black box."
            ),
            "NotFoundError": _("This device has no camera. Turn Live off and upload a photograph."),
            "NotSupportedError": _(
                "The live camera only works over https, or on the computer that runs the lab."
            ),
            "unplugged": _(
                "The camera has been disconnected. Plug it in again, then press the black box."
            ),
            "over": _("This visit has ended. Load the page again."),
            "box": _(
                "The camera is taking photographs for a class. Press the picture to use it here."
            ),
            "elsewhere": _("Live is running in another tab. Press the black box to use it here."),
            "faulty": _("We can't read the camera's pictures. Turn Live off and on again."),
            "blocked": _(
                "The camera's connection is blocked. Ask the person who runs this lab to let "
                "/live through, then press the black box."
            ),
            "photograph": _(
                "The photograph didn't arrive. Press the black box, then freeze it again."
            ),
            "other": _(
                "The camera didn't start; another program may be using it. Press the black box to "
                "try again."
            ),
        },
    }
