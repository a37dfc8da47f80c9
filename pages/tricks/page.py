"""The chapter on training tricks: five experiments, and what else was measured."""

import streamlit as st

from pages.shared.chapters import ICONS, what_next, with_guess
from pages.shared.experiments import ALSO_MEASURED, EXPERIMENTS, Experiment
from pages.shared.frame import begin, title
from pages.shared.query import VERSION
from pages.shared.sitemap import PATH, TRAINING, TRICKS
from pages.shared.sources import sources
from pages.shared.visit import the_visit
from pages.shared.words import _, lesson

_BESIDE = 3


def experiment(row: Experiment) -> None:
    """One experiment: its question, the guess, and what happened."""
    guessed = the_visit().guesses.get(row.chapter.key)
    outcome = guessed.outcome if guessed is not None else None
    with st.container(border=True, height="stretch", key=f"experiment_{row.key}"):
        st.page_link(
            TRAINING.path,
            label=f"{ICONS[outcome is not None]} {_(row.question)}",
            query_params={"preset": row.key, "dataset": row.trick.data, "version": VERSION},
        )
        if guessed is not None and outcome is not None:
            st.caption(with_guess(row.chapter, guessed, outcome))
        elif guessed is not None:
            st.caption(what_next(row.chapter, guessed))


begin(TRICKS)
with st.container(key="path_title"):
    title(TRICKS)
st.markdown(lesson("tricks")[""])
rows = list(EXPERIMENTS.values())
for first in range(0, len(rows), _BESIDE):
    for column, row in zip(st.columns(_BESIDE), rows[first : first + _BESIDE], strict=False):
        with column:
            experiment(row)
with st.expander(_("What else we measured"), icon=":material/table_rows:"):
    st.markdown(lesson("tricks")["measured"])
    lines = [
        f"- **[{_(row.title)}](#{row.term})**  \n  {row.measured_words()} {_(row.why)}"
        for row in ALSO_MEASURED
    ]
    st.markdown("\n".join(lines))
with st.expander(_("Overfitting, and what helps"), icon=":material/stacked_line_chart:"):
    st.markdown(lesson("tricks")["overfitting"])
    st.page_link(
        TRAINING.path,
        label=_("See it: four of each digit"),
        icon=TRAINING.icon,
        query_params={"dataset": "digits", "photos_per_class": "4", "version": VERSION},
    )
with st.expander(_("Fine-tuning on other backgrounds"), icon=":material/landscape:"):
    st.markdown(lesson("tricks")["far"])
with st.expander(_("Vanishing gradients and initialisation"), icon=":material/waves:"):
    st.markdown(lesson("tricks")["gradients"])
st.page_link(PATH.path, label=_(PATH.title), icon=PATH.icon)
sources(TRICKS)
