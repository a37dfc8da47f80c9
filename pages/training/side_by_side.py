"""What all models of a run say of one photograph, and which of them stands in front."""

import html

import streamlit as st

from pages.shared.live import answer
from pages.shared.none_of_these import is_none
from pages.shared.words import _, class_name, percent
from pages.training.modes import colours_of, has_one_mode_twice
from pages.training.run import Done, best_of, is_clear
from pages.training.tries import is_unsure
from tl_core.specs.classify import Classify
from tl_core.specs.training import mode_row


def side_by_side(photo: str, front: str, done: Done) -> None:
    """Draw a line for each model of ``done``, the one in ``front`` first."""
    shown = [
        line
        for model in sorted(done, key=lambda key: key != front)
        if (line := _line(photo, model, done))
    ]
    st.html(f'<div class="ways">{"".join(shown)}</div>')
    if front != best_of(done):
        return
    words = _("The best on the validation photographs comes first.")
    if not is_clear(done):
        words = _(
            "The best on the validation photographs comes first. The intervals overlap, so these "
            "may be too few to say which method is better."
        )
    st.caption(words)


def _line(photo: str, model: str, done: Done) -> str:
    found = answer(Classify(photo=photo, backbone=model))
    label, spec, snapshot = done[model]
    if found is None or snapshot.result is None:
        return ""
    best, specs = found.answers[0], [spec for _label, spec, _snapshot in done.values()]
    colour = colours_of(specs)[list(done).index(model)]
    name = label if has_one_mode_twice(specs) else _(mode_row(spec.mode).short)
    said = _("unsure") if is_unsure(found.answers) else class_name(best.label)
    said = _("none of these") if is_none(found.novelty) else said
    on_test = ""
    if snapshot.result.is_measured:
        on_test = _("{percent} in validation").format(percent=percent(snapshot.result.accuracy))
    return (
        f'<div><b style="color:{colour}">●</b> {html.escape(name)}: '
        f"<b>{html.escape(said)}</b> {percent(best.probability)} "
        f"<span>{html.escape(on_test)}</span></div>"
    )
