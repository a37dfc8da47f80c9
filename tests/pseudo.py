"""English in look-alike letters, as a language: what stays ASCII went through no catalogue."""

import gettext
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest
from babel import Locale

from pages import languages
from pages.languages import SOURCE, Language
from pages.path import quiz
from pages.shared import terms, words
from tests.messages.catalogues import extracted
from tl_core.backbones.build import imagenet_classes

CODE = "pseudo"
_PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ALIKE = "áƀçđéƒğĥíĵķļɱñóþɋŕšťúṽŵẋýžÁƁÇĐÉƑĞĤÍĴĶĻṀÑÓÞɊŔŠŤÚṼŴẊÝŽ"
_ACCENTS = str.maketrans(_PLAIN, _ALIKE)
_NO_WORDS = re.compile(
    r"\{[^{}]*\}"  # a field, to be filled in
    r"|`[^`]*`"
    r"|:material/\w+:"
    r"|:\w+(?=\[)"  # a colour
    r"|\]\([^)]*\)"  # where a link leads
    r"|(?:https?|data):[^\s\")]+"
    r"|</?\w[^<>]*>"
    r"|&#?\w+;"
)
_WORD = re.compile(r"[^\W\d_]+")


def accented(text: str) -> str:
    """The text with every letter replaced but those of fields, code, icons, addresses, tags."""
    parts, end = [], 0
    for kept in _NO_WORDS.finditer(text):
        parts += [text[end : kept.start()].translate(_ACCENTS), kept[0]]
        end = kept.end()
    return "".join([*parts, text[end:].translate(_ACCENTS)])


def ascii_words(text: str) -> Iterator[str]:
    """The words of two or more letters, all of them ASCII."""
    for word in _WORD.findall(_NO_WORDS.sub(" ", text)):
        if len(word) > 1 and word.isascii():
            yield word


class _Accents(gettext.NullTranslations):
    """Every message that a catalogue would have; one that is not marked in the code stays."""

    def gettext(self, message: str) -> str:
        return accented(message) if message in _marked() else message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        message = msgid1 if n == 1 else msgid2
        return accented(message) if msgid1 in _marked() else message


@cache
def _marked() -> frozenset[str]:
    """The messages that are marked in the code, of two forms the first."""
    ids = (message.id for message in extracted() if message.id)
    return frozenset(found if isinstance(found, str) else found[0] for found in ids)


def _accented_quiz(found: quiz.Quiz) -> quiz.Quiz:
    questions = tuple(
        replace(
            question,
            ask=accented(question.ask),
            replies=tuple(
                replace(reply, text=accented(reply.text), why=accented(reply.why))
                for reply in question.replies
            ),
        )
        for question in found.questions
    )
    return quiz.Quiz(questions, accented(found.end))


def speak_pseudo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the language to the lab's, for every visitor whose link asks for it, and the test."""
    classes = {name: accented(name) for name in imagenet_classes()}
    ours = Language(
        CODE, _Accents(), classes, Locale("el")
    )  # "Ελληνικά": its own name has no ASCII
    language, codes, sections = languages.language, languages.codes(), words._sections

    def lesson(code: str, page: str) -> dict[str, str]:
        found = sections(SOURCE if code == CODE else code, page)
        return {name: accented(text) for name, text in found.items()} if code == CODE else found

    source_quiz = quiz._quiz

    def accented_quiz(code: str, when: str) -> quiz.Quiz:
        found = source_quiz(SOURCE if code == CODE else code, when)
        return _accented_quiz(found) if code == CODE else found

    known = {
        key: replace(term, name=accented(term.name), says=accented(term.says))
        for key, term in terms.terms(SOURCE).items()
    }
    monkeypatch.setattr(terms, "terms", lambda _code: known)  # their other names stay other words
    monkeypatch.setattr(quiz, "_quiz", accented_quiz)
    monkeypatch.setattr(languages, "codes", lambda: (*codes, CODE))
    monkeypatch.setattr(languages, "language", lambda c: ours if c == CODE else language(c))
    monkeypatch.setattr(words, "_sections", lesson)
    monkeypatch.setattr(words._thread, "code", CODE, raising=False)  # AppTest finds options by it
