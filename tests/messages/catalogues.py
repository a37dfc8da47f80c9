"""Extracting the messages from the code, bringing catalogues up to date, finding what is wrong."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from pages.languages import LOCALES

ROOT = Path(__file__).parents[2]
_KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2), "UserError": None, "Phrase": None}
_METHODS = [("**.py", "python")]
_A_DATE = datetime(2026, 1, 1, tzinfo=UTC)
_MARKS = re.compile(r"\*\*|`|:material/\w+:")
_ENGLISH = ("tl_core/commands/", "tl_core/library/")  # no page says what these say


def extracted() -> Catalog:
    """Every message of the code, in the order of the files."""
    catalogue = Catalog(project="Transfer Learning Lab", charset="utf-8")
    sources = [ROOT / "streamlit_app.py", ROOT / "pages", ROOT / "tl_core"]
    for source in sources:
        for file, line, message, comments, context in extract_from_dir(
            ROOT,
            method_map=[
                (f"{source.relative_to(ROOT)}{'' if source.suffix else '/**.py'}", "python")
            ],
            keywords=_KEYWORDS,
            directory_filter=lambda _folder: True,
        ):
            if not file.startswith(_ENGLISH):
                catalogue.add(
                    message, None, [(file, line)], auto_comments=comments, context=context
                )
    return catalogue


def read(language: str) -> Catalog:
    """The catalogue of a language; empty where it has none yet."""
    file = LOCALES / language / "lab.po"
    if not file.exists():
        return Catalog(locale=Locale.parse(language))
    with file.open("rb") as lines:
        return read_po(lines, locale=language)


def update(language: str) -> None:
    """Add what is new in the code to a language's catalogue, and take out what has gone."""
    template, catalogue = extracted(), read(language)
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    for message in catalogue:
        message.locations = sorted({(file, 0) for file, _line in message.locations})
    file = LOCALES / language / "lab.po"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as out:
        write_po(out, _named(catalogue), width=100, include_lineno=False)


def _named(catalogue: Catalog) -> Catalog:
    """The same under a heading that stays the same."""
    catalogue.header_comment = "# Messages of the Transfer Learning Lab."
    catalogue.project, catalogue.version, catalogue.fuzzy = "Transfer Learning Lab", "1", False
    catalogue.msgid_bugs_address = catalogue.last_translator = catalogue.language_team = ""
    catalogue.creation_date = catalogue.revision_date = _A_DATE
    return catalogue


def problems(language: str) -> Iterator[str]:
    """What is wrong with a language's catalogue, a line each."""
    catalogue = read(language)
    wanted = {message.id: message for message in extracted() if message.id}
    for found in wanted.values():
        ours = catalogue.get(found.id)
        if ours is None or not all(_forms(ours)):
            yield f"{language}: no translation of {_first(found)!r}"
        elif ours.fuzzy:
            yield f"{language}: marked as fuzzy: {_first(found)!r}"
        else:
            for form in _forms(ours):
                if _fields(form) != _fields(_first(found)) or _marks(form) != _marks(_first(found)):
                    yield f"{language}: other fields or marks: {_first(found)!r}: {form!r}"
    for message in catalogue:
        if message.id and message.id not in wanted:
            yield f"{language}: not in the code any more: {_first(message)!r}"


def _first(message: Message) -> str:
    return str(message.id if isinstance(message.id, str) else message.id[1])


def _forms(message: Message) -> tuple[str, ...]:
    forms = message.string
    return (forms,) if isinstance(forms, str) else tuple(forms or ("",))


def _fields(text: str) -> list[tuple[str, str]]:
    return sorted(
        (name, form or "")
        for _text, name, form, _how in Formatter().parse(text)
        if name is not None
    )


def _marks(text: str) -> list[str]:
    return sorted(_MARKS.findall(text))
