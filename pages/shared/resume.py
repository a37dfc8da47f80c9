"""A reloaded page goes on with the visit it had: the browser keeps its code and asks for it."""

import streamlit as st

from pages.shared.components import component, message, style, text
from pages.shared.visit import take_over, the_visit, visits

_KEY = "resume"
_REFUSED, _IS_KNOWN = "resume_refused", "resume_is_known"  # answers to the browser's questions
_mount = component("resume")


def resume() -> None:
    """Give the browser this visit's code; where it has kept another, it asks for that visit.

    To be drawn before the page, which the answer draws anew. The code is worth the visit itself:
    it goes to this browser tab only, never into an address or a log.
    """
    style("resume")
    _mount(
        key=_KEY,
        data={
            "code": the_visit().code,
            "refused": st.session_state.get(_REFUSED, 0),
            "is_known": st.session_state.get(_IS_KNOWN, True),
        },
        on_wanted_change=_answer,
    )


def _answer() -> None:
    code = message(_KEY, "wanted", text) or ""
    if not take_over(code):
        st.session_state[_REFUSED] = st.session_state.get(_REFUSED, 0) + 1
        st.session_state[_IS_KNOWN] = visits.knows(code)
