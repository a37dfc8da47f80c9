"""Drawings in the visitor's language: an SVG file of assets/ whose words are filled in."""

from collections.abc import Mapping
from functools import cache
from html import escape
from string import Template

import streamlit as st

from pages.languages import ASSETS


def draw_svg(name: str, words: Mapping[str, str], *, alt: str) -> None:
    """Draw ``name``.svg with its fields filled in; ``alt`` fills the field ``whole`` too."""
    texts = {field: escape(text) for field, text in {**words, "whole": alt}.items()}
    st.image(_template(name).substitute(texts), width="stretch", alt=alt)


@cache
def _template(name: str) -> Template:
    return Template((ASSETS / f"{name}.svg").read_text(encoding="utf-8"))
