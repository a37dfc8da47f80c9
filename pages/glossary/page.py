"""The Glossary: the field's terms in the visitor's language, searchable, each with its page."""

import streamlit as st

from pages.shared import link
from pages.shared.frame import begin
from pages.shared.grid import grid
from pages.shared.sitemap import GLOSSARY, HISTORY, PAGES
from pages.shared.terms import Term, name_in_other_languages, terms
from pages.shared.words import _, current_language, lesson

_PAGES = {row.topic: row for row in PAGES}
_LONGEST = 60  # characters of a search


def entry(term: Term) -> None:
    """A term, what it is called elsewhere, what it is, and the page where one sees it happen."""
    with st.container(border=True, height="stretch", gap="xsmall"):
        st.markdown(f"**{term.name}**  \n:small[{name_in_other_languages(term.key)}]")
        st.markdown(term.says)
        row = _PAGES[term.page]
        st.page_link(row.path, label=_(row.title), icon=row.icon)


def by_page() -> None:
    """All terms, folded by the page that shows them."""
    every = terms(current_language().code).values()
    for row in PAGES:
        ours = [term for term in every if term.page == row.topic]
        if ours:
            with st.expander(f"{_(row.title)} ({len(ours)})", icon=row.icon):
                grid(ours, entry)


def found(wanted: str) -> list[Term]:
    """The terms that have all words of a search, in their name before others."""
    words, ours = wanted.casefold().split(), terms(current_language().code)
    every = {
        key: " ".join((term.name, term.also, name_in_other_languages(key))).casefold()
        for key, term in ours.items()
    }
    named = [key for key in ours if all(word in every[key] for word in words)]
    told = [
        key
        for key, term in ours.items()
        if all(word in every[key] + term.says.casefold() for word in words)
    ]
    return [ours[key] for key in dict.fromkeys(named + told)]


begin(GLOSSARY)
with st.container(key="path_title"):
    st.title(_(GLOSSARY.title), anchor=False)
st.markdown(lesson("glossary")[""])
with link.kept("term", ""):
    st.text_input(_("Search"), key="term", max_chars=_LONGEST, icon=":material/search:", width=420)
listed = found(st.session_state.term)
if not listed:
    st.info(_("No term matches. Try a shorter search."), icon=":material/search_off:")
elif st.session_state.term.strip():
    grid(listed, entry)
else:
    by_page()
st.page_link(HISTORY.path, label=_(HISTORY.title), icon=HISTORY.icon)
