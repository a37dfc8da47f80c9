"""The query of the page's address, for `link.py`; the browser itself brings it up to date.

Streamlit makes a step of the browser's history of every change of the query that the server asks
for, so that Back would go through all choices. Here choices replace the address, pages add to it.
"""

from urllib.parse import urlencode

import streamlit as st

from pages.shared.components import component
from pages.shared.visit import the_visit

VERSION = "1"  # of the link; to be raised when an old link would mean something else

_mount = component("address")


def begin(opened: dict[str, str]) -> None:
    """Begin with what a page was opened with."""
    st.session_state.address = dict(opened)


def hold(key: str, text: str) -> None:
    """Put a choice into the address of this page."""
    known = st.session_state.get("address", {})
    st.session_state.address = known | {key: text, "version": VERSION}


def drop(key: str) -> None:
    """Take a choice out of the address."""
    st.session_state.get("address", {}).pop(key, None)


def show(page: str) -> None:
    """Bring the browser's address up to date; takes no room on the page.

    To be drawn last, when all choices are known. ``page`` is the end of the page's path: by now the
    browser may show another.
    """
    address = the_visit().address = st.session_state.get("address", {})
    _mount(key="address_bar", data={"page": page, "query": urlencode(address)})


def go_to(page: str) -> None:
    """Go to another page of the lab; raises what ends this run of the script.

    Streamlit takes the query along that it is given: a query that is not the browser's own would be
    a step of the history of its own.
    """
    st.session_state.leaves_address = True
    st.switch_page(page, query_params=st.session_state.address)


def is_left_behind() -> bool:
    """Whether the query that came with this page is that of the page before; to be asked once."""
    return bool(st.session_state.pop("leaves_address", False))
