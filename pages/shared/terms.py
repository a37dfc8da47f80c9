"""The terms of assets/lesson/<language>/glossary.toml, explained where a text links to them."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import streamlit as st

from pages import languages
from pages.languages import SOURCE, lesson_file
from pages.shared import link
from pages.shared.components import component, read, script, text
from pages.shared.query import go_to
from pages.shared.sitemap import GLOSSARY
from pages.shared.words import _, current_language, lesson

_LINK = re.compile(r"\]\(#([\w-]+)\)")
_mount = component("terms", isolate_styles=False)


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the field in one language."""

    key: str  # the same in every language
    name: str
    also: str  # other words for it
    says: str  # in two sentences, Markdown
    page: str  # where one sees it happen
    too: tuple[str, ...]  # other pages that use the word
    is_basic: bool  # other terms are explained with it, so it is among the words of every page


@cache
def terms(code: str) -> dict[str, Term]:
    """The glossary in a language, by key; its order and pages are those of the English one."""
    source, ours = _table(SOURCE), _table(code)
    return {
        key: Term(
            key,
            ours[key]["name"],
            ours[key].get("also", ""),
            ours[key]["says"],
            row["page"],
            tuple(row.get("too", ())),
            row.get("is_basic", False),
        )
        for key, row in source.items()
    }


def name_in_other_languages(key: str) -> str:
    """What the other languages call a term, where that is another word."""
    ours = current_language().code
    names = [terms(code)[key].name for code in languages.codes() if code != ours]
    return " · ".join(name for name in names if name != terms(ours)[key].name)


def linked(texts: Sequence[str]) -> list[str]:
    """The keys of the terms that Markdown links to, each once."""
    return list(dict.fromkeys(key for text in texts for key in _LINK.findall(text)))


def explain(page: str) -> None:
    """Have a click on a term in the page's lesson text explain it; takes no room on the page."""
    known = terms(current_language().code)
    data = {
        "page": page,
        "terms": {
            key: {
                "name": known[key].name,
                "other": name_in_other_languages(key),
                "says": known[key].says.replace("*", ""),
            }
            for key in linked(list(lesson(page).values()))
        },
        "glossary": _("Glossary"),
        "close": _("Close"),
    }
    script("terms_early")
    sent = _mount(key="terms", data=data, on_opened_change=lambda: None)
    key = read(sent.opened, text)
    if key in known:
        link.set_choice("term", known[key].name)
        go_to(GLOSSARY.path)


def words_of(page: str) -> None:
    """Draw a button that shows the terms of the page with their sentences, basic ones last."""
    known = terms(current_language().code)
    of_text = linked(list(lesson(page).values()))
    here = [term for key, term in known.items() if page in (term.page, *term.too) or key in of_text]
    here += [term for term in known.values() if term.is_basic and term not in here]
    with st.popover(_("Words"), icon=":material/dictionary:", type="tertiary", key="words"):
        st.markdown("\n\n".join(f"**{term.name}**  \n{term.says}" for term in here))
        st.page_link(GLOSSARY.path, label=_("All terms in the glossary"), icon=GLOSSARY.icon)


def _table(code: str) -> dict[str, dict[str, Any]]:
    return tomllib.loads(lesson_file(code, "glossary.toml").read_text(encoding="utf-8"))
