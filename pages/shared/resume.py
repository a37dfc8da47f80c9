"""A reloaded page goes on with the visit it had: the browser keeps its code and asks for it."""

from urllib.parse import parse_qsl

import streamlit as st

from pages.server.messages import MOST_QUERY
from pages.shared.components import WrongShape, component, message, style
from pages.shared.runs import OPENED_OVER
from pages.shared.visit import begin_anew, take_over, the_visit, visits

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
    """Take the older visit over, with the address that the browser shows.

    A tab that was cut off and stayed open tells Streamlit the address that it was opened with.
    """
    wanted = message(_KEY, "wanted", _question)
    if wanted is None:
        return
    code, address, is_live = wanted
    opened_with = dict(parse_qsl(address.removeprefix("?"), keep_blank_values=True))
    if take_over(code, opened_with):
        # a reload brings the address that the page had, another link brings its own
        st.session_state[OPENED_OVER] = bool(opened_with) and opened_with != the_visit().address
        return
    is_known = visits.knows(code)
    if not is_known:
        begin_anew(opened_with)
        the_visit().is_live = is_live
    st.session_state[_REFUSED] = st.session_state.get(_REFUSED, 0) + 1
    st.session_state[_IS_KNOWN] = is_known


def _question(value: object) -> tuple[str, str, bool]:
    """The shape of the browser's question."""
    match value:
        case {"code": str(code), "address": str(address), **rest} if len(address) <= MOST_QUERY:
            return code, address, rest.get("live") is True
    raise WrongShape
