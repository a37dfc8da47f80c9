"""What is behind a press, and costs nothing until then."""

from collections.abc import Callable

import streamlit as st


def fold(label: str, *, icon: str, key: str, draw: Callable[[], None]) -> None:
    """An expander whose contents are drawn, and sent, only while it is open."""
    with st.expander(label, icon=icon, key=key, on_change="rerun") as place:
        if place.open:
            draw()
