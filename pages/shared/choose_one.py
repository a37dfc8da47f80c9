"""A few options beside each other, of which one is always chosen."""

from collections.abc import Mapping
from typing import Literal

import streamlit as st

from pages.shared.words import _


def choose_one(
    label: str,
    options: Mapping[str, str],
    *,
    key: str,
    default: str | None = None,
    persist_state: Literal["session"] | None = None,
) -> str:
    """Draw ``options``, by key the English words for each; return the key of the chosen one."""
    chosen = st.segmented_control(
        label,
        list(options),
        default=default,
        required=True,
        format_func=lambda option: _(options[option]),
        key=key,
        persist_state=persist_state,
    )
    return str(chosen)
