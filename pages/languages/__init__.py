"""The languages of the lab: a folder of assets/locale each, and English, in which it is written."""

import gettext
import io
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

from babel import Locale, negotiate_locale, numbers
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

ASSETS = Path(__file__).parents[2] / "assets"
LOCALES = ASSETS / "locale"
SOURCE = "en"


@dataclass(frozen=True, slots=True)
class Language:
    """One language: its messages and names, and how it writes numbers."""

    code: str  # as in links and in the names of folders
    messages: gettext.NullTranslations
    classes: Mapping[str, str]  # names of ImageNet's classes, by the English ones
    locale: Locale

    def words(self, message: str) -> "Words":
        """A message in this language; in English where it has none."""
        text = self.messages.gettext(message) if message else ""  # "": a catalogue's heading
        return Words(text, self.locale)

    def number(self, value: float, form: str) -> str:
        """A number in a format of Python's, with this language's marks."""
        return _formatter(self.locale).format_field(value, form)

    def plural(self, one: str, many: str, count: int) -> "Words":
        """The form of a message for this count."""
        return Words(self.messages.ngettext(one, many, count), self.locale)


class Words(str):
    """A message whose numbers are written as its language writes them."""

    locale: Locale

    def __new__(cls, message: str, locale: Locale) -> "Words":
        words = super().__new__(cls, message)
        words.locale = locale
        return words

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)

    def format(self, *values: object, **named: object) -> str:
        """Fill the message in."""
        return _formatter(self.locale).vformat(self, values, named)


class _LocalFormatter(Formatter):
    def __init__(self, locale: Locale) -> None:
        self._marks = str.maketrans(
            {
                ".": numbers.get_decimal_symbol(locale),
                ",": numbers.get_group_symbol(locale),
            }
        )

    def format_field(self, value: Any, format_spec: str) -> str:
        text = format(value, format_spec)
        return text.translate(self._marks) if isinstance(value, int | float) else text


@cache
def _formatter(locale: Locale) -> _LocalFormatter:
    return _LocalFormatter(locale)


@cache
def language(code: str) -> Language:
    """The language of a code in ``codes()``."""
    folder = LOCALES / code
    messages, classes = gettext.NullTranslations(), {}
    if code != SOURCE:
        messages = _compiled(folder / "lab.po")
        names = folder / "classes.toml"
        classes = tomllib.loads(names.read_text(encoding="utf-8")) if names.exists() else {}
    return Language(code, messages, classes, Locale.parse(code))


@cache
def codes() -> tuple[str, ...]:
    """English, then every language that has a folder."""
    return (SOURCE, *sorted(folder.parent.name for folder in LOCALES.glob("*/lab.po")))


def lesson_file(code: str, name: str) -> Path:
    """A text of the lesson in this language; in English where it is not translated yet."""
    file = ASSETS / "lesson" / code / name
    return file if file.exists() else ASSETS / "lesson" / SOURCE / name


def own_name(code: str) -> str:
    """What the language calls itself."""
    locale = language(code).locale
    return locale.get_display_name(locale) or code


def preferred(wishes: Iterable[str]) -> str:
    """The first of a browser's languages that the lab has; else English."""
    found = negotiate_locale((wish.strip().lower() for wish in wishes), codes(), sep="-")
    return found or SOURCE


def _compiled(file: Path) -> gettext.GNUTranslations:
    """The catalogue of a file, compiled in memory: so no compiled file can be older than it."""
    compiled = io.BytesIO()
    with file.open("rb") as catalogue:
        write_mo(compiled, read_po(catalogue))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
