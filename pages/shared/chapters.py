"""The path through the lab: a chapter for each working page, with a question before it is tried."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import streamlit as st

from pages.shared import link
from pages.shared.choose_photo import photo_label
from pages.shared.sitemap import (
    ATTACK,
    ATTRIBUTION,
    BACKBONES,
    FEATURE_MAPS,
    IDEAL,
    TRAINING,
    PageRow,
)
from pages.shared.visit import the_visit
from pages.shared.words import _, plain_class
from pages.visit.state import Guess, Outcome
from tl_core.lab import gettext_noop as N_

ASKS = "questions"  # the choice whether to be asked at all
# whether something is done
ICONS = {True: ":green[:material/check_circle:]", False: ":material/radio_button_unchecked:"}


@dataclass(frozen=True, slots=True)
class Chapter:
    """One page's question, its answers by key, and the sentence that the visitor's figures fill."""

    page: PageRow
    question: str
    answers: Mapping[str, str]
    to_do: str  # after the guess
    happened: str
    failed: str = ""  # the sentence where no answer came true
    part: str = ""  # of a page with several questions: which one

    @property
    def key(self) -> str:
        """The name under which the visit keeps its guess."""
        return f"{self.page.address} {self.part}" if self.part else self.page.address


CHAPTERS = (
    Chapter(
        BACKBONES,
        N_("Which network is surer: the big one or the small one?"),
        {"big": N_("the big one"), "small": N_("the small one")},
        N_("Now choose another photograph."),
        N_(
            "{big_percent:.0f} % for the big {big}, {small_percent:.0f} % for the small {small}: "
            "that's how sure they are of *{photo}*."
        ),
    ),
    Chapter(
        FEATURE_MAPS,
        N_("What's left of the photograph in the last layer?"),
        {
            "all": N_("every detail"),
            "place": N_("what, and roughly where"),
            "nothing": N_("nothing"),
        },
        N_("Now slide to the last layer."),
        N_(
            "In a map of {layer}, {side} × {side} pixels have shrunk to {height} × {width} "
            "values: they say what is there, but only roughly where."
        ),
    ),
    Chapter(
        ATTRIBUTION,
        N_("Blur what the map marks: how much of the probability is left?"),
        {
            "as": N_("more than ¾"),
            "half": N_("¼ to ¾"),
            "hardly": N_("less than ¼"),
        },
        N_("Now choose another photograph, or another class."),
        N_(
            "From {before:.1f} % to {important:.1f} %: that's *{label}* with the marked 20 % "
            "blurred. With the same blur elsewhere, it's {random:.1f} %."
        ),
    ),
    Chapter(
        TRAINING,
        N_("How many of 100 new pictures will it get right?"),
        {"50": N_("under 65"), "75": N_("65 to 89"), "95": N_("90 or more")},
        N_("Now add photographs to each class, or pick a built-in data set and press Start."),
        N_(
            "{percent:.0f} % right on {tested:,} validation photographs, after training on "
            "{train:,} others."
        ),
    ),
    Chapter(
        IDEAL,
        N_("Will another network recognise what it draws?"),
        {"yes": N_("yes"), "no": N_("no")},
        N_("Now press Start."),
        N_(
            "{percent:.0f} %: that's how sure {other} is of this *{label}*, which it didn't draw. "
            "{network}, which drew it, is {own:.0f} % sure. And you?"
        ),
    ),
    Chapter(
        ATTACK,
        N_("How big a change fools it, out of 255 levels?"),
        {"1": N_("1 or 2"), "8": N_("3 to 16"), "64": N_("more than 16")},
        N_("Now press Start, and raise epsilon if it fails."),
        N_(
            "A change of {levels} of 255 levels turned *{before}* into *{after}* ({percent:.0f} % "
            "sure)."
        ),
        N_(
            "{levels} of 255 levels weren't enough: it still says *{after}*. Raise epsilon and "
            "try again."
        ),
    ),
)
_BY_KEY = {chapter.key: chapter for chapter in CHAPTERS}


def chapter_of(page: PageRow) -> Chapter:
    """The page's chapter."""
    return _BY_KEY[page.address]


def is_covered(chapter: Chapter) -> bool:
    """Whether the page covers what answers the question, until there is a guess.

    Not where the visitor has begun a run on the page by themselves.
    """
    visit = the_visit()
    is_new = chapter.key not in visit.guesses and chapter.page.address not in visit.runs
    return is_new and link.is_chosen(ASKS, default=True)


def guess(chapter: Chapter, answer: str) -> None:
    """Keep the visitor's guess; it is not about what they have seen already."""
    visit = the_visit()
    visit.guesses[chapter.key] = Guess(answer, is_open=chapter.key not in visit.outcomes)


def note(page: PageRow, outcome: Outcome | None) -> None:
    """Tell a page's chapter what it shows, as ``note_of`` does."""
    note_of(chapter_of(page), outcome)


def note_of(chapter: Chapter, outcome: Outcome | None) -> None:
    """Tell the chapter what its page shows; draws the page anew where a guess waited for it.

    ``None`` says that it shows nothing that would answer the question.
    """
    visit, key = the_visit(), chapter.key
    if outcome is None:
        visit.outcomes.pop(key, None)
    guessed, before = visit.guesses.get(key), visit.outcomes.get(key)
    if outcome is not None and not is_covered(chapter):
        visit.outcomes[key] = outcome
    if guessed is None:
        return
    guessed.is_open |= outcome is None or (before is not None and before.about != outcome.about)
    if outcome is not None and guessed.is_open and guessed.outcome != outcome:
        guessed.outcome = outcome
        st.rerun()


def done(chapters: Iterable[Chapter] = CHAPTERS) -> list[Chapter]:
    """Those whose question was answered, in their order."""
    guesses = the_visit().guesses
    return [row for row in chapters if row.key in guesses and guesses[row.key].outcome is not None]


def said_of(chapter: Chapter, guessed: Guess, name: Callable[[str], str] = plain_class) -> str:
    """The guess and what to do now; once it is answered, what happened, in Markdown.

    ``name`` says what to call a class or a network. What to do is not said while the page's run is
    under way.
    """
    outcome, answer = guessed.outcome, _(chapter.answers[guessed.answer])
    if outcome is None:
        run = the_visit().runs.get(chapter.page.address)
        to_do = _(chapter.to_do) if run is None or run.is_over else ""
        words = _("Your guess: *{answer}*. {to_do}")
        return words.format(answer=answer, to_do=to_do).rstrip()
    figures: dict[str, object] = dict(outcome.figures)
    for key, value in figures.items():
        if isinstance(value, str):
            figures[key] = photo_label(value) if key == "photo" else name(value)
    if not outcome.answer:
        return _(chapter.failed).format(**figures)
    words = _("{happened} You guessed *{answer}*.")
    if outcome.answer == guessed.answer:
        words = _("{happened} You guessed right.")
    return words.format(happened=_(chapter.happened).format(**figures), answer=answer)
