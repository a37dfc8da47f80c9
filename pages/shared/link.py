"""Choices of widgets in the page's address, so that a copied link opens the same view."""

from collections.abc import Sequence

import streamlit as st

VERSION = "1"  # of the link; to be raised when an old link would mean something else


def restore(key: str, options: Sequence[str], default: str, *, among: str = "") -> None:
    """Give the widget ``key`` its value before it is drawn.

    What the visitor chose before wins, then the link, then ``default``; a choice that is not
    offered any more falls back too. Where the same key chooses among different sets, ``among``
    names the set, and each remembers its own choice. (Streamlit's own binding would write an
    option's label into the address, and the gallery's labels are pictures.)
    """
    if st.session_state.get(_set(key), among) != among:
        st.session_state.pop(key, None)
    st.session_state[_set(key)] = among
    kept = st.session_state.get(_kept(key) + among, st.query_params.get(key))
    value = st.session_state.get(key, kept)
    st.session_state[key] = value if value in options else default


def save(key: str) -> None:
    """Remember the widget's value beyond its page and write it into the address."""
    value = st.session_state[key]
    st.session_state[_kept(key) + st.session_state.get(_set(key), "")] = value
    if st.query_params.get(key) != value:
        st.query_params.update({key: value, "version": VERSION})


def set_choice(key: str, value: str) -> None:
    """Choose for the widget ``key``, here or on another page; only before it is drawn."""
    st.session_state[key] = st.session_state[_kept(key)] = value


def _kept(key: str) -> str:
    return f"kept_{key}"


def _set(key: str) -> str:
    return f"set_of_{key}"
