"""A few options beside each other, of which one is always chosen."""

from collections.abc import Mapping
from typing import TypeVar, cast

import streamlit as st

from pages.shared import link
from pages.shared.words import _

OptionT = TypeVar("OptionT", str, int)


def choose_one(
    label: str,
    options: Mapping[OptionT, str],
    *,
    key: str,
    default: OptionT,
    is_labelled: bool = True,
) -> OptionT:
    """Draw ``options``, by key the English words for each; keep and return the chosen one's key."""
    with link.kept(key, default, list(options)):
        chosen = st.segmented_control(
            label,
            list(options),
            required=True,
            format_func=lambda option: _(options[option]),
            key=key,
            label_visibility="visible" if is_labelled else "collapsed",
        )
    return cast("OptionT", chosen)
