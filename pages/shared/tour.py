"""Five minutes through the lab: one stop after the other, with everything set."""

from dataclasses import dataclass

import streamlit as st

from pages.shared import link
from pages.shared.query import go_to
from pages.shared.sitemap import (
    ATTACK,
    BACKBONES,
    FEATURE_MAPS,
    HOME,
    IDEAL,
    PATH,
    TRAINING,
    PageRow,
)
from pages.shared.visit import the_lab
from pages.shared.words import _
from tl_core.lab import gettext_noop as N_

_KEY = "tour"
_CATS_AND_DOGS = "cats_and_dogs_handful"


@dataclass(frozen=True, slots=True)
class Stop:
    """One page of the tour, with what it is opened with."""

    row: PageRow
    words: str
    choices: dict[str, object]


STOPS = (
    Stop(BACKBONES, N_("Which network knows the cat?"), {"sample": "sample:cat"}),
    Stop(
        FEATURE_MAPS,
        N_("What does it look at? Slide through the layers."),
        {"sample": "sample:cat"},
    ),
    Stop(IDEAL, N_("Press Start: it draws its own cat."), {"goal": "class", "way": "one"}),
    Stop(
        ATTACK,
        N_("Press Start: the dog becomes a cat, but you see no change."),
        {"sample": "sample:dalmatian", "aim": "targeted"},
    ),
    Stop(
        TRAINING,
        N_("Press Start: it learns from four photographs per class, pretrained and from scratch."),
        {"dataset": "faces", "mode": ["head", "scratch"], "photos_per_class": 4},
    ),
)


def begin() -> None:
    """Go to the first stop."""
    _go(1)


def draw(row: PageRow) -> bool:
    """Draw where the tour is and its ways on, on the page ``row``; false where there is no tour."""
    number = _number()
    if not number:
        return False
    stop = STOPS[number - 1]
    with st.container(key="tour_strip", horizontal=True, vertical_alignment="center", gap="small"):
        if stop.row is row:
            words = _("**{number} of {count}** · {words}")
            st.markdown(words.format(number=number, count=len(STOPS), words=_(stop.words)))
            _ways_on(number)
        else:
            words = _("The tour waits at **{number} of {count}**.")
            st.markdown(words.format(number=number, count=len(STOPS)))
            if st.button(_(stop.row.title), key="tour_resume", icon=stop.row.icon):
                _go(number)
            _end()
    return True


def _ways_on(number: int) -> None:
    with st.container(key="tour_buttons", horizontal=True, gap="xsmall", width="content"):
        if st.button(_("Back"), key="tour_back", icon=":material/arrow_back:"):
            _go(number - 1)
        words = _("Next: {title}")
        title = _((STOPS[number].row if number < len(STOPS) else PATH).title)
        icon = ":material/arrow_forward:"
        if st.button(words.format(title=title), key="tour_next", icon=icon):
            _go(number + 1)
        _end()


def _end() -> None:
    st.button(
        _("End the tour"),
        key="close_tour",
        icon=":material/close:",
        type="tertiary",
        on_click=link.drop_choice,
        args=(_KEY,),
    )


def choices_of(stop: Stop) -> dict[str, object]:
    """What a stop is opened with: the lesson's cats and dogs where this machine has them."""
    ready = [entry.key for entry in the_lab().datasets.rows() if entry.state == "ready"]
    if stop.row is TRAINING and _CATS_AND_DOGS in ready:
        return stop.choices | {"dataset": _CATS_AND_DOGS}
    return stop.choices


def _number() -> int:
    """The stop where the tour is, from 1; 0 for none."""
    text = link.chosen(_KEY, "")
    return int(text) if text in {str(number) for number in range(1, len(STOPS) + 1)} else 0


def _go(number: int) -> None:
    """Go to a stop; before the first is Home, after the last the visitor's path."""
    if number not in range(1, len(STOPS) + 1):
        link.drop_choice(_KEY)
        go_to((PATH if number else HOME).path)
    link.set_choice(_KEY, str(number))
    for key, value in choices_of(STOPS[number - 1]).items():
        link.set_choice(key, value)
    go_to(STOPS[number - 1].row.path)
