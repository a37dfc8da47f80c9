"""Numbers, names and messages as a language has them, who reads which, what a catalogue lacks."""

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po
from streamlit.testing.v1 import AppTest

from pages import languages
from pages.languages import Language
from pages.shared import words
from tests.messages import catalogues
from tl_core.lab import Phrase, UserError

GERMAN = {
    "{percent:.1f} %": "{percent:.1f} Prozent",
    "{name} has {count:,} photographs. {hint}": "{name} hat {count:,} Fotos. {hint}",
    "Add some.": "Bitte mehr.",
    "Home": "Start",
    "Pages": "Seiten",
}


def compiled(folder: Path, code: str, entries: dict[str, str]) -> Path:
    """A catalogue of these messages in the folder."""
    file = folder / code / "lab.po"
    file.parent.mkdir(parents=True, exist_ok=True)
    catalogue = Catalog(locale=code, charset="utf-8", fuzzy=False)
    for message, ours in entries.items():
        catalogue.add(message, ours)
    with file.open("wb") as out:
        write_po(out, catalogue)
    return file


@pytest.fixture
def german(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Language]:
    """German as one more language of the lab, with a few messages and one name of a class."""
    compiled(tmp_path, "de", GERMAN)
    (tmp_path / "de" / "classes.toml").write_text('zebra = "Zebra (Tier)"\n', encoding="utf-8")
    monkeypatch.setattr(languages, "LOCALES", tmp_path)
    languages.codes.cache_clear()
    languages.language.cache_clear()
    yield languages.language("de")
    languages.codes.cache_clear()
    languages.language.cache_clear()


def test_a_language_writes_numbers_with_its_own_marks(german: Language) -> None:
    assert german.number(1234.5, ",.1f") == "1.234,5"
    assert german.number(0.05, "g") == "0,05"
    assert languages.language("en").number(1234.5, ",.1f") == "1,234.5"


def test_a_message_writes_its_numbers_so_too_but_leaves_words_as_they_are(german: Language) -> None:
    words = german.words("{percent:.1f} %")
    assert words.format(percent=12.34) == "12,3 Prozent"
    assert german.words("{a} {b:.2f}").format(a="v1.5, new", b=1.5) == "v1.5, new 1,50"


def test_a_message_without_a_translation_stays_and_an_empty_one_is_no_heading(
    german: Language,
) -> None:
    assert german.words("Nothing of that kind") == "Nothing of that kind"
    assert german.words("") == ""


def test_a_visitor_reads_errors_classes_and_numbers_in_their_language(
    german: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words._thread, "code", "de", raising=False)
    hint = Phrase("Add some.")
    template = "{name} has {count:,} photographs. {hint}"
    error = UserError(template, name="Home", count=1234, hint=hint)
    assert words.sentence(error) == "Home hat 1.234 Fotos. Bitte mehr."
    assert words.sentence(error.without_values()) == words.sentence(error)
    assert words.class_name("zebra") == "Zebra (Tier)"
    assert words.both_names("zebra") == "Zebra (Tier) (zebra)"
    assert words.both_names("goldfish") == "goldfish"
    assert words.percent(0.123) == "12,3\N{NO-BREAK SPACE}Prozent"


def test_threads_that_draw_for_two_visitors_read_two_languages_at_once(german: Language) -> None:
    both, read = threading.Barrier(2), dict[str, list[str]]()

    def visitor(code: str) -> None:
        words._thread.code = code
        read[code] = []
        for _ in range(50):
            both.wait(10)
            read[code].append(words.percent(0.5))

    threads = [threading.Thread(target=visitor, args=(code,)) for code in ("de", "en")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert read == {
        "de": ["50,0\N{NO-BREAK SPACE}Prozent"] * 50,
        "en": ["50.0\N{NO-BREAK SPACE}%"] * 50,
    }


def draws_a_percentage() -> None:
    """The script of a tab that reads the language of its link and says a number in it."""
    import streamlit as st

    from pages.shared.foot import choose_current_language
    from pages.shared.words import percent

    choose_current_language()
    st.write(percent(0.5))


def drawn(app: AppTest, **link: str) -> str:
    for key, value in link.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return str(app.markdown[0].value)


def test_a_link_brings_its_language_and_two_tabs_have_two(german: Language) -> None:
    first, second = (AppTest.from_function(draws_a_percentage) for _ in range(2))
    assert drawn(first, language="de") == "50,0\N{NO-BREAK SPACE}Prozent"
    assert drawn(second, language="en") == "50.0\N{NO-BREAK SPACE}%"
    assert drawn(first) == "50,0\N{NO-BREAK SPACE}Prozent"
    assert (
        drawn(AppTest.from_function(draws_a_percentage), language="tlh")
        == "50.0\N{NO-BREAK SPACE}%"
    )


def test_the_browsers_locale_decides_where_nothing_was_chosen(
    german: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.shared.foot._browsers", lambda: languages.preferred(["de-CH"]))
    assert drawn(AppTest.from_function(draws_a_percentage)) == "50,0\N{NO-BREAK SPACE}Prozent"
    assert (
        drawn(AppTest.from_function(draws_a_percentage), language="en") == "50.0\N{NO-BREAK SPACE}%"
    )


@pytest.mark.parametrize(
    ("wishes", "code"),
    [
        (["de"], "de"),
        (["de-AT"], "de"),
        (["fr-FR", "de", "en"], "de"),
        (["en-GB", "de"], "en"),
        (["xx", "", "*", "not a language", "de"], "de"),
        ([], "en"),
        (["fr"], "en"),
    ],
)
def test_the_first_of_the_browsers_languages_that_the_lab_has_is_spoken(
    german: Language, wishes: Iterable[str], code: str
) -> None:
    assert languages.preferred(wishes) == code


def test_a_language_is_called_what_it_calls_itself(german: Language) -> None:
    assert languages.codes() == ("en", "de")
    assert [languages.own_name(code) for code in languages.codes()] == ["English", "Deutsch"]


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of one file of code, with its catalogues beside it."""
    (tmp_path / "pages").mkdir()
    (tmp_path / "tl_core" / "commands").mkdir(parents=True)
    (tmp_path / "streamlit_app.py").write_text("")
    (tmp_path / "tl_core" / "commands" / "run.py").write_text('_("Only on the command line")\n')
    (tmp_path / "tl_core" / "table.py").write_text(
        'LABEL = N_("A row")\n'
        'raise UserError("{name} is not here.", name=name, why=Phrase("It went."))\n'
    )
    (tmp_path / "pages" / "page.py").write_text(
        '_("Step {step:.1f}")\n_("In two "\n  "lines")\n'
        'ngettext("{count} class", "{count} classes", count)\n'
        'other("Not a message")\n'
    )
    monkeypatch.setattr(catalogues, "ROOT", tmp_path)
    monkeypatch.setattr(catalogues, "LOCALES", tmp_path / "locale")
    return tmp_path


def test_every_mark_of_a_message_is_extracted_and_the_command_lines_are_not(code: Path) -> None:
    assert {message.id for message in catalogues.extracted() if message.id} == {
        "A row",
        "{name} is not here.",
        "It went.",
        "Step {step:.1f}",
        "In two lines",
        ("{count} class", "{count} classes"),
    }


def test_what_is_missing_fuzzy_or_has_other_fields_is_a_problem_and_a_whole_catalogue_has_none(
    code: Path,
) -> None:
    catalogues.update("de")
    assert len(list(catalogues.problems("de"))) == 6
    translated(code, {message.id: message.id for message in catalogues.extracted()})
    assert not list(catalogues.problems("de"))
    translated(code, {"A row": "", "Step {step:.1f}": "Schritt {step}"}, fuzzy="It went.")
    assert list(catalogues.problems("de")) == [
        "de: other fields or marks: 'Step {step:.1f}': 'Schritt {step}'",
        "de: no translation of 'A row'",
        "de: marked as fuzzy: 'It went.'",
    ]


def test_an_update_keeps_what_is_translated_and_drops_what_has_gone_from_the_code(
    code: Path,
) -> None:
    catalogues.update("de")
    translated(code, {"A row": "Eine Zeile", "It went.": "Fort."})
    (code / "tl_core" / "table.py").write_text('N_("A row")\nN_("Another")\n')
    catalogues.update("de")
    entries = {message.id: message.string for message in catalogues.read("de") if message.id}
    assert (entries["A row"], entries["Another"]) == ("Eine Zeile", "")
    assert "It went." not in entries


def translated(code: Path, entries: dict[Any, Any], *, fuzzy: str = "") -> None:
    """Put these translations into the German catalogue."""
    catalogue = catalogues.read("de")
    for message in catalogue:
        if message.id in entries:
            message.string = entries[message.id]
        if message.id and message.id == fuzzy:
            message.flags.add("fuzzy")
    with (code / "locale" / "de" / "lab.po").open("wb") as out:
        write_po(out, catalogue)
