"""What every page has: the navigation around it and the heading on it."""

import streamlit as st

from pages.shared.components import style
from pages.shared.sitemap import HOME, PAGES, PageRow
from pages.shared.words import ASSETS, _, lesson


def configure() -> None:
    """Give the browser's tab its title and its icon, and the page its look.

    Without an icon of our own, the browser takes the open page's from a server of Google's.
    """
    st.set_page_config(
        page_title=_("Transfer Learning Lab"), page_icon=str(ASSETS / "icon.svg"), layout="wide"
    )
    style("contrast")


def navigation() -> st.Page:
    """Declare the pages and return the one that is open."""
    return st.navigation([_page(row) for row in (HOME, *PAGES)])


def header(row: PageRow, lesson_page: str) -> None:
    """Draw the page's title and the beginning of its lesson.

    Streamlit runs a page without ``streamlit_app.py`` around it when its address is the first
    that a new server is asked for; such a page starts the whole app at its own address instead.
    """
    if not st.session_state.get("has_frame"):
        configure()
        navigation()
        st.switch_page(_page(row), query_params=st.query_params.to_dict())
    st.title(_(row.title))
    st.markdown(lesson(lesson_page)[""])


def _page(row: PageRow) -> st.Page:
    return st.Page(row.path, title=_(row.title), icon=row.icon, default=row is HOME)
