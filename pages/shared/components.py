"""Components and styles of our own: their HTML, CSS and JavaScript lie in assets/components/."""

from functools import cache

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from pages.languages import ASSETS


def component(name: str, *shared: str, isolate_styles: bool = True) -> ComponentRenderer:
    """Register the component whose files are called ``name``.

    Components cannot import: the lines of the ``shared`` files, which several use, come before its
    own. Without ``isolate_styles`` its rules hold for the whole page while it is drawn.
    """
    lines = [_text(f"{file}.js") or "" for file in (*shared, name)]
    return st.components.v2.component(
        name,
        html=_text(f"{name}.html"),
        css=_text(f"{name}.css"),
        js="\n".join(lines),
        isolate_styles=isolate_styles,
    )


def message(key: str, name: str) -> object:
    """What the component ``key`` has sent as ``name``, in its callback.

    ``None`` where it has sent something else, or its page was left before that arrived.
    """
    sent = st.session_state.get(key)
    return None if sent is None else sent.get(name)


def style(name: str, **words: str) -> None:
    """Apply the rules of ``name``.css to the page; they find widgets by their keys.

    A rule shows one of ``words`` as ``content: var(--name)``.
    """
    shown = "".join(f'--{key}: "{text}"; ' for key, text in words.items())
    st.html(f"<style>:root {{{shown}}}\n{_text(f'{name}.css')}</style>")


@cache
def _text(file: str) -> str | None:
    path = ASSETS / "components" / file
    return path.read_text(encoding="utf-8") if path.exists() else None
