"""Words that a visitor reads: translation, escaping, lessons, errors."""

import gettext
import html
import re
from functools import cache
from pathlib import Path

import streamlit as st

from tl_core.lab import UserError

ASSETS = Path(__file__).parents[2] / "assets"
LANGUAGES = ("en",)
_MARKS = re.compile(r"[\\`*_\[\]<>&$~#|]")
_PARTED = re.compile(r"^(?=[-+=]|\d+[.)])|(?<=[:@])(?=\S)|(?<=www)(?=\S)", re.IGNORECASE)
_JOINER = "\u2060"  # takes no room on the screen

_translation = gettext.translation("lab", ASSETS / "locale", LANGUAGES, fallback=True)
_ = _translation.gettext


def plain(text: object) -> str:
    """Text that others wrote, such as the name of a class or a file, as Markdown for just that.

    Streamlit looks for icons, emoji and addresses also in what is escaped, and a line may begin a
    list: there an invisible character parts the mark.
    """
    line = _MARKS.sub(r"\\\g<0>", " ".join(str(text).split()))
    return _PARTED.sub(_JOINER, line)


def chart_text(text: str) -> str:
    """Text that others wrote, for Plotly, which knows some HTML and formulas."""
    return html.escape(text, quote=False).replace("$", "&#36;")


def sentence(error: UserError) -> str:
    """An error as a translated sentence, in Markdown."""
    arguments = {
        name: value if isinstance(value, int | float) else plain(value)
        for name, value in error.arguments.items()
    }
    return _(error.message).format(**arguments)


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
