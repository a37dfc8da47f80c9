"""Four pictures that the lab has made, with the figures measured when they were made."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from pages.shared.sitemap import ATTACK, FEATURE_MAPS, IDEAL, TEACH, PageRow
from pages.shared.words import ASSETS, _

_FOLDER = ASSETS / "home"


def pictures() -> None:
    """Each with its figures in words and a link to its page."""
    found = figures()
    ideal, channel, fooled, training = st.columns([1, 1, 2, 2])
    with ideal:
        words = _(
            "Drawn from noise by {backbone}: {class}, {probability:.1%}. {judge}, which never saw "
            "it, says {judge_class}, {judge_probability:.1%}."
        ).format(**found["ideal"])
        _picture(IDEAL, ASSETS / "examples" / "siamese_cat.webp", words)
    with channel:
        words = _("Where channel {channel} of {channels} in {layer} of {backbone} reacts.")
        _picture(FEATURE_MAPS, _FOLDER / "channel.webp", words.format(**found["channel"]))
    with fooled:
        words = _(
            "{backbone} sees {before}, {before_probability:.1%}, on the left, and {after}, "
            "{after_probability:.1%}, on the right. No value differs by more than {levels} of 255."
        ).format(**found["fooled"])
        _picture(ATTACK, _FOLDER / "fooled.webp", words)
    with training:
        accuracy = found["training"]["accuracy"]
        words = _(
            "{backbone} learns {classes} handwritten digits from {photographs:,} pictures: after "
            "{epochs} epochs it is right on {last:.1%} of {tested_on} others."
        ).format(**found["training"], epochs=len(accuracy), last=accuracy[-1])
        _picture(TEACH, _FOLDER / "training.svg", words)


def _picture(row: PageRow, file: Path, words: str) -> None:
    st.image(str(file), width="stretch", alt=words)
    st.page_link(row.path, label=f"**{_(row.title)}**", icon=row.icon)
    st.caption(words)


@cache
def figures() -> dict[str, dict[str, Any]]:
    """What was measured when the pictures were made."""
    found: dict[str, dict[str, Any]] = json.loads(
        (_FOLDER / "figures.json").read_text(encoding="utf-8")
    )
    return found
