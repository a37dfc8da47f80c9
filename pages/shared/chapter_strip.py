"""The card above the stage: the chapter's question, what to do now, and what happened."""

import streamlit as st

from pages.shared import link, tour
from pages.shared.chapters import (
    ASKS,
    CHAPTERS,
    Chapter,
    chapter_of,
    guess,
    is_covered,
    said_of,
)
from pages.shared.sitemap import PATH, TRICKS, PageRow
from pages.shared.visit import the_visit
from pages.shared.words import _, lesson


def strip(row: PageRow, chapter: Chapter | None = None) -> None:
    """Draw what the page is about, and its chapter, or another one, for who wants to be asked."""
    with st.container(key="about"):
        st.markdown(lesson(row.topic)[""])
    with st.container(key="strip"):
        if tour.draw(row) or not link.is_chosen(ASKS, default=True):
            return
        with st.container(key="chapter", horizontal=True, vertical_alignment="center", gap="small"):
            _chapter(chapter or chapter_of(row))
            st.button(
                _("No questions"),
                key="close_chapter",
                icon=":material/close:",
                type="tertiary",
                help=_("Just play, without questions. You can bring them back on Your path."),
                on_click=link.set_choice,
                args=(ASKS, False),
            )


def _chapter(chapter: Chapter) -> None:
    guessed, question = the_visit().guesses.get(chapter.key), _(chapter.question)
    if chapter in CHAPTERS:
        question = f"{1 + CHAPTERS.index(chapter)} · {question}"
    if guessed is None:
        st.markdown(f"**{question}**", width="content")
        _ask(chapter)
        return
    st.markdown(f":small[{question}]  \n{said_of(chapter, guessed)}")
    if guessed.outcome is not None:
        _lead_on(chapter)


def _ask(chapter: Chapter) -> None:
    """The answers; lab.css covers what answers the question while they are the ``first`` ones."""
    key = "guesses_first" if is_covered(chapter) else "guesses_late"
    with st.container(key=key, horizontal=True, gap="xsmall", width="content"):
        for key, words in chapter.answers.items():
            st.button(
                _(words),
                key=f"guess_{chapter.key}_{key}",
                on_click=guess,
                args=(chapter, key),
            )


def _lead_on(chapter: Chapter) -> None:
    """A link to the next chapter; after the last one, to the path with its quiz."""
    rest = CHAPTERS[1 + CHAPTERS.index(chapter) :] if chapter in CHAPTERS else ()
    row = rest[0].page if rest else TRICKS if chapter.part else PATH
    words = _("Next: {title}").format(title=_(row.title))
    st.page_link(row.path, label=words, icon=":material/arrow_forward:", width="content")
