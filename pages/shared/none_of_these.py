"""Whether an answer of a taught model counts, or the photograph shows none of its classes."""

import streamlit as st

from pages.shared import link
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, percent, plain_class
from tl_core.specs.classify import Answer, Classification, Novelty

KEY, PERCENT, MOST_PERCENT = "turned_away", 5, 20


def share() -> float:
    """Share of new photographs of its classes that may be turned away, as the visitor set it."""
    text = link.chosen(KEY, str(PERCENT))
    offered = map(str, range(1, MOST_PERCENT + 1))
    return (int(text) if text in offered else PERCENT) / 100  # a link may ask for anything


def is_none(novelty: Novelty | None) -> bool:
    """Whether a photograph is farther from what the model was taught than that share is."""
    return novelty is not None and novelty.p_value <= share()


def share_of(model: str) -> float:
    """The share for a model that can say "none of these"; 0 for any other network."""
    return share() if model in the_lab().models.calibrations(the_visit().id) else 0.0


def says(found: Classification) -> str:
    """The answer as Markdown: its best class, or that it is none of them."""
    return _("none of these") if is_none(found.novelty) else plain_class(found.answers[0].label)


def say_what_softmax_says(best: Answer) -> None:
    """Draw what the model would answer if it had to choose."""
    words = _(
        "[Softmax](#softmax) must share 100 % among its classes. Most goes to: {label}, {percent}."
    )
    label = plain_class(best.label)
    st.caption(words.format(label=label, percent=percent(best.probability)))


def say_it_is_none(best: Answer) -> None:
    """Draw that the photograph shows none of the classes, where one of them is explained."""
    words = _("**None of these**, your model says. If it had to choose: {label}, {percent}.")
    label = plain_class(best.label)
    st.markdown(words.format(label=label, percent=percent(best.probability)))
