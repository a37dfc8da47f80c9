"""Every word a visitor reads passes through here."""

import gettext
from functools import cache
from pathlib import Path

import streamlit as st

from tl_core.lab import UserError

ASSETS = Path(__file__).parents[2] / "assets"
LANGUAGES = ("en",)

_translation = gettext.translation("lab", ASSETS / "locale", LANGUAGES, fallback=True)
_ = _translation.gettext


def sentence(error: UserError) -> str:
    """Put an error into the visitor's words."""
    return _(error.message).format(**error.arguments)


def show_error(error: UserError) -> None:
    st.error(sentence(error), icon=":material/error:")


@cache
def lesson(page: str) -> dict[str, str]:
    """The page's lesson text, by section; the part before the first heading is ``""``."""
    text = (ASSETS / "lesson" / LANGUAGES[0] / f"{page}.md").read_text(encoding="utf-8")
    parts = ("\n" + text).split("\n## ")
    sections = {"": parts[0].strip()}
    for part in parts[1:]:
        title, _newline, body = part.partition("\n")
        sections[title.strip()] = body.strip()
    return sections
