"""Presenter view, for a projector: big type, one thing a screen, turned by a clicker's keys."""

import streamlit as st

from pages.shared import link
from pages.shared.components import component, read, whole_number
from pages.shared.query import go_to
from pages.shared.sitemap import ALL_PAGES
from pages.shared.words import _

_ORDER = [row.path for row in ALL_PAGES]
_MOST = 2.0  # times
_LOW = 720  # pixels: a window as high as that shows a page as it is laid out
_mount = component("presenter", isolate_styles=False)


def presenter_view() -> None:
    """Draw the switch; while it is on, the browser shows the page's screens and turns them."""
    with link.kept("present", False):
        is_on = st.toggle(
            _("Presenter view"),
            key="present",
            help=_("Page Up/Down change the screen, and C shows the controls."),
        )
    if is_on:
        page = st.session_state.page
        data = {"page": page, "label": _("Controls")}
        shown = _mount(
            key="presenter",
            data=data,
            on_turned_change=lambda: None,
            on_height_change=lambda: None,
        )
        st.session_state.window_height = read(shown.height, whole_number) or _LOW
        _turn(_ORDER.index(page) + (read(shown.turned, whole_number) or 0), page)


def enlarged(height: int) -> int:
    """The height of a chart: in presenter view it grows with the window."""
    state = st.session_state
    window = state.get("window_height", _LOW) if state.get("present") else _LOW
    return round(height * min(max(window / _LOW, 1), _MOST))


def _turn(place: int, page: str) -> None:
    """Go on to the page at this place of the navigation, if there is one and it is another."""
    if place in range(len(_ORDER)) and _ORDER[place] != page:
        go_to(_ORDER[place])
