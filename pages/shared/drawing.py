"""Drawings in the visitor's language: an SVG file of assets/ whose words are filled in."""

from collections.abc import Mapping
from functools import cache
from html import escape
from string import Template

import streamlit as st

from pages.languages import ASSETS
from pages.shared.charts import theme

_IN_THE_DARK = {  # colours of the drawings: grounds, lines, words
    "#f2f1f9": "#1d1c2a",
    "#e4e2f7": "#2c2a45",
    "#c9c6e3": "#4b4868",
    "#4a4a5a": "#c9c8d6",
    "#4343b4": "#aaa8f5",
    "#b04a17": "#f0a273",
}


def draw_svg(name: str, words: Mapping[str, str], *, alt: str) -> None:
    """Draw ``name``.svg with its fields filled in; ``alt`` fills the field ``whole`` too."""
    texts = {field: escape(text) for field, text in {**words, "whole": alt}.items()}
    st.image(_template(name, theme()).substitute(texts), width="stretch", alt=alt)


@cache
def _template(name: str, shown_in: str) -> Template:
    drawing = (ASSETS / f"{name}.svg").read_text(encoding="utf-8")
    for light, dark in _IN_THE_DARK.items() if shown_in == "dark" else ():
        drawing = drawing.replace(light, dark)
    return Template(drawing)
