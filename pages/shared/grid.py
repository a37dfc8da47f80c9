"""Several of a kind, in rows."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

T = TypeVar("T")


def grid(rows: Sequence[T], draw: Callable[[T], None], *, beside: int = 3, **options: Any) -> None:
    """Draw each of ``rows``, so many beside each other; ``options`` are those of ``st.columns``."""
    for first in range(0, len(rows), beside):
        columns = st.columns(beside, **options)
        for column, row in zip(columns, rows[first : first + beside], strict=False):
            with column:
                draw(row)
