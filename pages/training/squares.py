"""A row of small photographs, cut to squares, inside the page: many are drawn at once."""

import html
from collections.abc import Sequence

import streamlit as st

MOST = 6  # beside each other in a narrow column


def draw_squares(addresses: Sequence[str], *, more: int, alt: str) -> None:
    """Draw photographs by their data URLs, and how many ``more`` there are."""
    pictures = "".join(f'<img src="{address}" alt="">' for address in addresses)
    rest = f"<span>+{more}</span>" if more else ""
    words = html.escape(alt)
    st.html(f'<div class="squares" role="img" aria-label="{words}">{pictures}{rest}</div>')
