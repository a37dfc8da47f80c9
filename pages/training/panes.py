"""On a phone one of three panes at a time, and the bar at the foot that goes from one to the next.

On larger screens they stand beside each other, and there is no bar.
"""

import streamlit as st

from pages.shared.components import component, message, text
from pages.shared.live_camera import turn_live_on
from pages.shared.own_models import own_models
from pages.shared.visit import the_visit
from pages.shared.words import _
from tl_core.specs.datasets import OWN_DATASET

CLASSES, LEARN, TRY = "classes", "learn", "try"
_KEY = "panes_bar"
_MOVES = "pane_moves"  # in the session: how often the page itself went to a pane
_mount = component("panes", "mount", isolate_styles=False)


def panes(*, is_ready: bool, is_learning: bool, learned: str) -> None:
    """Draw the bar; the next step is coloured.

    ``is_ready`` says whether there is something to learn from, ``learned`` what came of it.
    """
    visit, own = the_visit(), own_models()
    is_boxes = st.session_state.dataset == OWN_DATASET
    counts = " + ".join(str(len(box.photos)) for box in visit.boxes[:3]) if is_boxes else ""
    following = TRY if own and learned else LEARN if is_ready else CLASSES
    learning = _("learning …") if is_learning else learned
    with st.container(key="panes"):
        _mount(
            key=_KEY,
            data={
                "label": _("Steps"),
                "opened": visit.pane,
                "moves": st.session_state.get(_MOVES, 0),
                "first": CLASSES if is_boxes else LEARN,
                "next": following,
                "panes": [
                    {"key": CLASSES, "name": _("1 Classes"), "state": counts},
                    {"key": LEARN, "name": _("2 Learn"), "state": learning},
                    {"key": TRY, "name": _("3 Try"), "state": _("live") if visit.is_live else ""},
                ],
            },
            on_opened_change=_open,
        )


def show_pane(pane: str) -> None:
    """Go to a pane; for callbacks."""
    the_visit().pane = pane
    st.session_state[_MOVES] = st.session_state.get(_MOVES, 0) + 1


def _open() -> None:
    """Go to a pane; who has shown the camera their classes tries with the camera."""
    pane, visit = message(_KEY, "opened", text), the_visit()
    if pane not in (CLASSES, LEARN, TRY):
        return
    is_first = pane == TRY and not visit.has_tried and bool(own_models())
    visit.pane = pane
    if is_first and any(box.bursts for box in visit.boxes):
        visit.has_tried = True
        turn_live_on()
