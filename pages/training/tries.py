"""The last photographs that were tried, each with its answer; a press shows one again."""

from collections.abc import Sequence

import streamlit as st

from pages.shared import link
from pages.shared.choose_photo import choose, with_picture
from pages.shared.components import style
from pages.shared.none_of_these import is_none
from pages.shared.visit import the_visit
from pages.shared.words import _, class_name, plain
from pages.visit.state import Try
from tl_core.images import samples
from tl_core.specs.classify import Answer, Classification

UNSURE_LEAD = 0.2  # of the best before the second, below which an answer is none
_KEPT = 10
_KEY = "tries"


def is_unsure(answers: Sequence[Answer]) -> bool:
    """Whether the best answer is hardly more probable than the second."""
    return len(answers) > 1 and answers[0].probability - answers[1].probability < UNSURE_LEAD


def remember(photo: str, found: Classification) -> None:
    """Put a photograph and its answer in front of those tried before; each is there once."""
    visit, best = the_visit(), found.answers[0]
    is_unsaid = is_unsure(found.answers)
    new = Try(photo, best.label, best.probability, is_unsaid, is_none(found.novelty))
    others = [old for old in visit.tries if old.photo != photo]
    visit.tries = [new, *others][:_KEPT]


def draw_tries() -> None:
    """Draw them in a row."""
    tries = {one.photo: one for one in the_visit().tries}
    if len(tries) < 2:
        return
    style("photo_picker")
    st.session_state[_KEY] = None  # a press is no choice that stays
    with st.container(key="tried"):
        st.pills(
            _("Last tried"),
            list(tries),
            format_func=lambda photo: _words(tries[photo]),
            key=_KEY,
            on_change=_show_again,
        )


def _words(one: Try) -> str:
    name = plain(class_name(one.label))
    said = _("unsure") if one.is_unsure else f"{name} {100 * one.probability:.0f} %"
    said = _("none of these") if one.is_none else said
    return with_picture(one.photo, said)


def _show_again() -> None:
    photo = st.session_state.get(_KEY)
    if photo is None:
        return
    if str(photo).startswith(samples.PREFIX):
        link.set_choice("sample", photo)
    else:
        choose(photo)
