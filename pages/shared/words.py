"""Words that a visitor reads: translation, escaping, lessons, errors."""

import html
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages import languages
from pages.languages import SOURCE, Language
from tl_core.lab import Phrase, UserError

_MARKS = re.compile(r"[\\`*_\[\]<>&$~#|]")
_PARTED = re.compile(r"^(?=[-+=]|\d+[.)])|(?<=[:@])(?=\S)|(?<=www)(?=\S)", re.IGNORECASE)
_JOINER = "\u2060"  # takes no room on the screen

_thread = threading.local()  # a thread draws for one tab only


def use_language(code: str) -> None:
    """Say everything in this language to this tab's visitor, from now on."""
    st.session_state.current_language = _thread.code = code


@contextmanager
def in_language(code: str) -> Iterator[None]:
    """Say everything in this language in this thread, which may draw for no tab."""
    before = getattr(_thread, "code", None)
    _thread.code = code
    try:
        yield
    finally:
        if before is None:
            del _thread.code
        else:
            _thread.code = before


def current_language() -> Language:
    """The language of the visitor for whom this thread draws; English where it draws for none.

    Read from the session once for each thread: Streamlit may break a run off wherever that is read.
    """
    if not hasattr(_thread, "code"):
        if get_script_run_ctx(suppress_warning=True) is None:
            return languages.language(SOURCE)
        _thread.code = st.session_state.get("current_language", SOURCE)
    return languages.language(_thread.code)


def _(message: str) -> str:
    """A message in the visitor's language; to be filled in by ``format``."""
    return current_language().words(message)


def ngettext(one: str, many: str, count: int) -> str:
    """The form of a message for this count, in the visitor's language."""
    return current_language().plural(one, many, count)


def time_zone() -> ZoneInfo:
    """The visitor's, as the browser says."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a browser may say anything
        return ZoneInfo("UTC")


def percent(share: float) -> str:
    """A share between 0 and 1 as per cent, to a tenth; no line breaks before its sign."""
    return _("{percent:.1f} %").format(percent=100 * share).replace(" ", "\u00a0")


def number(value: float, form: str = "g") -> str:
    """A number in a format of Python's, as the visitor's language writes it."""
    return current_language().number(value, form)


def class_name(name: str) -> str:
    """What the visitor's language calls a class of ImageNet; where it has no word, as it is."""
    return current_language().classes.get(name, name)


def plain_class(name: str) -> str:
    """The same as Markdown."""
    return plain(class_name(name))


def both_names(name: str) -> str:
    """The same with the English name behind it, so that a list finds it by either."""
    ours = class_name(name)
    return name if ours == name else f"{ours} ({name})"


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
        name: value if isinstance(value, int | float) else plain(_in_words(value))
        for name, value in error.arguments.items()
    }
    return _(error.message).format(**arguments)


def sentence_in(error: UserError, code: str) -> str:
    """The same in a language, plain, for who draws no page."""
    ours = languages.language(code if code in languages.codes() else SOURCE)
    arguments = {
        name: ours.words(value) if isinstance(value, Phrase) else value
        for name, value in error.arguments.items()
    }
    return ours.words(error.message).format(**arguments)


def _in_words(value: object) -> object:
    return _(value) if isinstance(value, Phrase) else value


def show_error(error: UserError) -> None:
    st.error(sentence(error), icon=":material/error:")


def lesson(page: str) -> dict[str, str]:
    """The page's lesson text, by section; the part before the first heading is ``""``."""
    return _sections(current_language().code, page)


@cache
def _sections(code: str, page: str) -> dict[str, str]:
    text = languages.lesson_file(code, f"{page}.md").read_text(encoding="utf-8")
    parts = ("\n" + text).split("\n## ")
    sections = {"": parts[0].strip()}
    for part in parts[1:]:
        title, _newline, body = part.partition("\n")
        sections[title.strip()] = body.strip()
    return sections
