"""Another page begins at its top, and in its language: Streamlit leaves both as they were."""

import streamlit as st

from pages.shared.components import component
from pages.shared.words import current_language

_TIMES = "times_up"  # in the session
_mount = component("page_top")


def go_up() -> None:
    """Scroll to the top with the next run: what a press below begins is seen there."""
    st.session_state[_TIMES] = st.session_state.get(_TIMES, 0) + 1


def begin_at_top(page: str) -> None:
    """Scroll to the top where ``page`` is another one than before, or where that is wished.

    Takes no room on the page.

    The browser is told the language too: it chooses the shapes of characters that Chinese and
    Japanese share, and screen readers a voice.
    """
    place = f"{page} {st.session_state.get(_TIMES, 0)}"
    _mount(key="page_top", data={"page": place, "language": current_language().code})
