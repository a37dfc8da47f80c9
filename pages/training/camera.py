"""Filling the boxes with the camera, a photograph a second."""

import streamlit as st

from pages.shared.visit import the_visit
from pages.shared.words import _
from pages.training.box import add_photo, photo_count, refuse
from pages.training.burst import Shot, burst
from pages.visit.state import Box
from tl_core.lab import UserError
from tl_core.lab import gettext_noop as N_

_PROBLEMS = {
    "NotAllowedError": N_(
        "The camera was not allowed. Allow it beside the page's address, then open it again."
    ),
    "NotFoundError": N_("This device has no camera. Add photographs to the boxes instead."),
    "NotSupportedError": N_(
        "The camera works where the page is opened over https or on this very "
        "computer. The button with a camera at each box takes one photograph at a time."
    ),
}
_OTHER_PROBLEM = N_("The camera did not start; another program may be using it. Open it again.")


@st.fragment
def camera(boxes: list[Box]) -> None:
    """Draw the camera for all boxes, as a fragment: a photograph does not run the whole page."""
    with st.popover(_("Camera"), icon=":material/photo_camera:", key="boxes_camera"):
        box = st.selectbox(_("Class"), boxes, format_func=lambda box: box.name, key="camera_class")
        if box is None:
            return
        found = burst(
            "camera_burst",
            place=box.id,
            taken=the_visit().last_shot,
            count=photo_count(box),
            on_shot=_take,
        )
        if found.problem:
            st.warning(_(_PROBLEMS.get(found.problem, _OTHER_PROBLEM)))
    if found.is_let_go:
        st.rerun()  # the page around it shows the new photographs


def _take(shot: Shot) -> None:
    visit = the_visit()
    if shot.number <= visit.last_shot:
        return  # sent again before the camera knew
    box = next((box for box in visit.boxes if box.id == shot.place), None)
    if box is not None:
        try:
            add_photo(box, shot.jpeg)
        except UserError as error:
            refuse(error)
    visit.last_shot = shot.number
