"""Components and styles of our own: their HTML, CSS and JavaScript lie in assets/components/."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer
from typing_extensions import TypeIs

from pages.languages import ASSETS
from pages.server.compat.widget_values import say_refused

T = TypeVar("T")
Shape = Callable[[Any], T]  # reads a value; raises WrongShape where it is another


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


class WrongShape(ValueError):
    """A value that a component of ours does not send."""


def message(key: str, name: str, shape: Shape[T]) -> T | None:
    """What the component ``key`` has sent as ``name``, in its callback, read by ``shape``.

    ``None`` where it has sent something else, or its page was left before that arrived.
    """
    sent = st.session_state.get(key)
    return None if sent is None else read(sent.get(name), shape)


def read(value: object, shape: Shape[T]) -> T | None:
    """A component's value of this shape; ``None`` where there is none, or it has another."""
    if value is None:
        return None
    try:
        return shape(value)
    except WrongShape:
        say_refused("a component's value of another shape")
        return None


def anything(value: object) -> object:
    """The shape of what its reader checks, and answers the visitor about."""
    return value


def text(value: object) -> str:
    """The shape of a line of text."""
    if isinstance(value, str):
        return value
    raise WrongShape


def whole_number(value: object) -> int:
    """The shape of a number that is counted in JavaScript."""
    if is_whole(value):
        return value
    raise WrongShape


def is_whole(value: object) -> TypeIs[int]:
    """Whether it is such a number; true and false are none."""
    return type(value) is int and abs(value) < 2**53


def style(name: str, **words: str) -> None:
    """Apply the rules of ``name``.css to the page; they find widgets by their keys.

    A rule shows one of ``words`` as ``content: var(--name)``.
    """
    shown = "".join(f'--{key}: "{text}"; ' for key, text in words.items())
    st.html(f"<style>:root {{{shown}}}\n{_text(f'{name}.css')}</style>")


def script(name: str) -> None:
    """Run ``name``.js in the page, a third of a second before the first component runs."""
    st.html(f"<script>{_text(f'{name}.js')}</script>", unsafe_allow_javascript=True)


@cache
def _text(file: str) -> str | None:
    path = ASSETS / "components" / file
    return path.read_text(encoding="utf-8") if path.exists() else None
