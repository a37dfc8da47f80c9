"""A table that can be read aloud."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.shared.words import _, number


def table(
    lines: Sequence[Mapping[str, object]],
    *,
    key: str | None = None,
    columns: Mapping[str, Any] | None = None,
) -> None:
    """Draw lines of figures, which are the alt text too; ``columns`` says how to show some."""
    st.dataframe(
        lines, hide_index=True, key=key, column_config=columns, alt="; ".join(map(_read, lines))
    )


def _read(line: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {_figure(value)}" for name, value in line.items() if value != "")


def _figure(value: object) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return number(value, ".3g") if isinstance(value, float) else str(value)
