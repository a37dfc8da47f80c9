"""The chapter on training tricks: five experiments, and what else was measured."""

import streamlit as st

from pages.shared.chapters import ICONS, said_of
from pages.shared.experiments import ALSO_MEASURED, EXPERIMENTS, Experiment
from pages.shared.frame import text_page
from pages.shared.grid import grid
from pages.shared.query import VERSION
from pages.shared.sitemap import PATH, TRAINING, TRICKS
from pages.shared.sources import sources
from pages.shared.visit import the_visit
from pages.shared.words import _, lesson


def experiment(row: Experiment) -> None:
    """One experiment: its question, the guess, and what happened."""
    guessed = the_visit().guesses.get(row.chapter.key)
    is_done = guessed is not None and guessed.outcome is not None
    with st.container(border=True, height="stretch", key=f"experiment_{row.key}"):
        st.page_link(
            TRAINING.path,
            label=f"{ICONS[is_done]} {_(row.question)}",
            query_params={"preset": row.key, "dataset": row.trick.data, "version": VERSION},
        )
        if guessed is not None:
            st.caption(said_of(row.chapter, guessed))


text_page(TRICKS)
grid(list(EXPERIMENTS.values()), experiment)
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
