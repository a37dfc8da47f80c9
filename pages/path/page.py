"""The path page: six chapters with a guess each, four exercises, a quiz before and one after."""

from functools import partial

import streamlit as st

from pages.path import exercises, quiz
from pages.path.report import report
from pages.shared import link
from pages.shared.chapters import ASKS, CHAPTERS, ICONS, Chapter, done, what_next, with_guess
from pages.shared.download import download
from pages.shared.experiments import EXPERIMENTS
from pages.shared.frame import begin, title
from pages.shared.sitemap import HISTORY, PATH, TRANSFER, TRICKS
from pages.shared.visit import the_visit
from pages.shared.words import _, current_language, lesson, time_zone


def chapter(number: int, row: Chapter) -> None:
    """One chapter: its question, the guess, and what happened."""
    guessed = the_visit().guesses.get(row.key)
    outcome = guessed.outcome if guessed is not None else None
    with st.container(border=True, height="stretch"):
        st.page_link(row.page.path, label=f"**{number} · {_(row.page.title)}**", icon=row.page.icon)
        st.markdown(f"{ICONS[outcome is not None]} {_(row.question)}")
        if guessed is not None and outcome is not None:
            st.caption(with_guess(row, guessed, outcome))
        elif guessed is not None:
            st.caption(what_next(row, guessed))


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


begin(PATH)
with st.container(key="path_title"):
    title(PATH)
st.markdown(lesson("path")[""])
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
numbered = list(enumerate(CHAPTERS, start=1))
for first in range(0, len(numbered), 3):
    for column, (number, row) in zip(st.columns(3), numbered[first : first + 3], strict=False):
        with column:
            chapter(number, row)
tricks()
with st.expander(_("Four exercises"), icon=":material/fitness_center:"):
    st.markdown(lesson("path")["exercises"])
    for left, right in (
        (exercises.draw_challenge, exercises.draw_pets),
        (exercises.draw_unknown, exercises.draw_shortcut),
    ):
        for column, draw in zip(st.columns(2, gap="large"), (left, right), strict=True):
            with column:
                draw()
if not is_whole:
    the_end()
for text in (TRANSFER, HISTORY):
    st.page_link(text.path, label=_(text.title), icon=text.icon)
