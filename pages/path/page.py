"""The path page: six chapters with a guess each, four exercises, a quiz before and one after."""

from functools import partial

import streamlit as st

from pages.path import exercises, quiz
from pages.path.report import report
from pages.shared import link
from pages.shared.chapters import ASKS, CHAPTERS, ICONS, Chapter, done, said_of
from pages.shared.download import download
from pages.shared.experiments import EXPERIMENTS
from pages.shared.frame import text_page
from pages.shared.grid import grid
from pages.shared.sitemap import HISTORY, PATH, TRANSFER, TRICKS
from pages.shared.visit import the_visit
from pages.shared.words import _, current_language, lesson, time_zone


def chapter(row: Chapter) -> None:
    """One chapter: its question, the guess, and what happened."""
    number = 1 + CHAPTERS.index(row)
    guessed = the_visit().guesses.get(row.key)
    is_done = guessed is not None and guessed.outcome is not None
    with st.container(border=True, height="stretch"):
        st.page_link(row.page.path, label=f"**{number} · {_(row.page.title)}**", icon=row.page.icon)
        st.markdown(f"{ICONS[is_done]} {_(row.question)}")
        if guessed is not None:
            st.caption(said_of(row, guessed))


def tricks() -> None:
    """The page of experiments, which is no chapter, and how many of them are done."""
    tried, all_of_them = len(done(row.chapter for row in EXPERIMENTS.values())), len(EXPERIMENTS)
    with st.container(border=True):
        st.page_link(TRICKS.path, label=f"**{_(TRICKS.title)}**", icon=TRICKS.icon)
        words = _("{done} of {all} done").format(done=tried, all=all_of_them)
        st.markdown(f"{ICONS[tried == all_of_them]} {words}")


def the_end() -> None:
    """The quiz after, and what the visitor did, to take home; first once all chapters are done."""
    words = _("Six questions at the end")
    with st.expander(words, icon=":material/quiz:", expanded=is_whole):
        quiz.draw(quiz.AFTER)
    download(
        _("Download what I did"),
        partial(report, the_visit(), current_language().code, time_zone()),
        "what_i_did.html",
        key="download_report",
        icon=":material/download:",
        help=lesson("path")["report"],
    )


text_page(PATH)
finished = done()
is_whole = len(finished) == len(CHAPTERS)
words = _("Chapters done: {done} of {all}").format(done=len(finished), all=len(CHAPTERS))
st.progress(len(finished) / len(CHAPTERS), text=words)
if is_whole:
    the_end()
with link.kept(ASKS, default=True):
    st.toggle(_("Ask me questions"), key=ASKS)
with st.expander(_("Six questions first"), icon=":material/quiz:"):
    quiz.draw(quiz.BEFORE)
grid(CHAPTERS, chapter)
tricks()
with st.expander(_("Four exercises"), icon=":material/fitness_center:"):
    st.markdown(lesson("path")["exercises"])
    grid(exercises.EXERCISES, lambda draw: draw(), beside=2, gap="large")
if not is_whole:
    the_end()
for text in (TRANSFER, HISTORY):
    st.page_link(text.path, label=_(text.title), icon=text.icon)
