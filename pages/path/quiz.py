"""A quiz before the path and one after it: questions out of a text file of each language."""

import tomllib
from dataclasses import dataclass
from functools import cache, partial

import streamlit as st

from pages.languages import lesson_file
from pages.shared.visit import the_visit
from pages.shared.words import _, current_language

BEFORE, AFTER = "before", "after"


@dataclass(frozen=True, slots=True)
class Reply:
    """One of the answers offered, and what is said of it."""

    text: str
    why: str
    is_right: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its answers."""

    key: str  # the same in every language
    ask: str
    replies: tuple[Reply, ...]


@dataclass(frozen=True, slots=True)
class Quiz:
    """Six questions, and what is said once all are answered."""

    questions: tuple[Question, ...]
    end: str


def quiz(when: str) -> Quiz:
    """The quiz in the visitor's language."""
    return _quiz(current_language().code, when)


def draw(when: str) -> None:
    """The questions, each with its answers as buttons until one was taken."""
    found, given = quiz(when), the_visit().quiz
    for number, question in enumerate(found.questions, start=1):
        st.markdown(f"**{number}. {question.ask}**")
        key = f"{when} {question.key}"
        if key in given:
            _say(question, question.replies[given[key]])
        else:
            _offer(question, key)
    if all(f"{when} {question.key}" in given for question in found.questions):
        st.markdown(found.end)


def _offer(question: Question, key: str) -> None:
    with st.container(horizontal=True, gap="small", key=f"quiz_{key.replace(' ', '_')}"):
        for number, reply in enumerate(question.replies):
            st.button(
                reply.text,
                key=f"reply_{key.replace(' ', '_')}_{number}",
                on_click=partial(_take, key, number),
            )


def _take(key: str, number: int) -> None:
    the_visit().quiz[key] = number


def _say(question: Question, reply: Reply) -> None:
    """The answer that was taken, why it is right or not, and which one is."""
    icon = ":green[:material/check_circle:]" if reply.is_right else ":red[:material/cancel:]"
    st.markdown(f"{icon} *{reply.text}* {reply.why}")
    if not reply.is_right:
        words = _("Right: *{answer}*")
        right = next(one.text for one in question.replies if one.is_right)
        st.markdown(f":green[:material/check_circle:] {words.format(answer=right)}")


@cache
def _quiz(code: str, when: str) -> Quiz:
    text = lesson_file(code, "quiz.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)[when]
    questions = tuple(
        Question(
            one["key"],
            one["ask"],
            tuple(
                Reply(reply["text"], reply["why"], reply.get("right", False))
                for reply in one["replies"]
            ),
        )
        for one in table["questions"]
    )
    return Quiz(questions, table["end"])
