"""Maps over the photograph, and what blurring what they mark does."""

from collections.abc import Sequence

import streamlit as st

from pages.attribution.controls import METHODS
from pages.shared.chapters import note
from pages.shared.none_of_these import is_none
from pages.shared.picture import live_picture
from pages.shared.sitemap import ATTRIBUTION
from pages.shared.words import _, class_name, percent, plain_class
from pages.visit.state import Outcome
from tl_core.images import heatmap
from tl_core.specs.attribution import (
    AttributeSnapshot,
    AttributionMap,
    ExplainedClass,
    Faithfulness,
)
from tl_core.specs.classify import Classification

_METRIC = 96  # height of a figure, in pixels
_AS_SURE, _HALF_AS_SURE = 0.75, 0.25  # shares of the probability before
_PAIR, _ONE = [1, 1], [3, 2]  # shares of the width


def draw_photo(said: Classification, *, done: float = 1.0) -> None:
    """The photograph with the network's answer on it, as long as there is no map."""
    first, alt = said.answers[0], _("The photograph at the network's size")
    label = _("none of these") if is_none(said.novelty) else class_name(first.label)
    live_picture(said.seen, alt=alt, said=[label, percent(first.probability)], done=done)
    st.caption(_("What the network sees"))


def draw_main(found: AttributeSnapshot, *, are_several: bool) -> None:
    """The first map over the photograph; of several methods every other one, with its proof."""
    if not found.maps:
        alt = _("The photograph at the network's size")
        live_picture(found.photo, alt=alt, said=_said(found), done=_share_done(found))
    for one in found.maps[::2] if are_several else found.maps[:1]:
        _draw_large(found, one, has_proof=are_several)


def draw_second(found: AttributeSnapshot) -> None:
    """Beside them the other methods, each as large, with the same figures."""
    with st.container(key="second_method"):
        for one in found.maps[1::2]:
            _draw_large(found, one, has_proof=True)
    note(ATTRIBUTION, without_the_marked(found))


def _draw_large(found: AttributeSnapshot, one: AttributionMap, *, has_proof: bool) -> None:
    """A map at large, with the answer and how far the work is on it, and its proof below."""
    _draw_map(found, one, _said(found), done=_share_done(found))
    row = METHODS[one.method]
    words = _("{method}: warm = evidence for the class, cold = against it")
    if not row.is_signed:
        words = _("{method}: warm = evidence for the class")
    st.caption(words.format(method=_(row.label)))
    if has_proof:
        _draw_metrics(one.faithfulness, is_share=found.contrast is not None, of=one.method)


def draw_proof(found: AttributeSnapshot) -> None:
    """The question, the first map's proof, and the other maps with theirs."""
    explained = found.classes[0]
    label, before = plain_class(explained.label), 100 * explained.probability
    if found.contrast is None:
        words = _("Why {label}? ({percent:.1f} %)").format(label=label, percent=before)
    else:
        words = _("Why {label} ({percent:.1f} %) rather than {other} ({other_percent:.1f} %)?")
        words = words.format(
            label=label,
            percent=before,
            other=plain_class(found.contrast.label),
            other_percent=100 * found.contrast.probability,
        )
    with st.container(key="question"):
        st.subheader(words, anchor=False)
    proof = found.maps[0].faithfulness if found.maps else None
    _draw_metrics(proof, is_share=found.contrast is not None)
    _draw_others(found, found.maps[1:])
    note(ATTRIBUTION, without_the_marked(found))


def without_the_marked(found: AttributeSnapshot) -> Outcome | None:
    """How sure the network stays without the fifth that the first map marks."""
    proof = found.maps[0].faithfulness if found.maps else None
    if proof is None or found.contrast is not None:
        return None
    explained, left = found.classes[0], proof.important / max(proof.before, 1e-9)
    figures = {name: 100 * getattr(proof, name) for name in ("before", "important", "random")}
    return Outcome(
        about=f"{explained.target} {proof.before}",
        answer="as" if left >= _AS_SURE else "half" if left >= _HALF_AS_SURE else "hardly",
        figures={"label": explained.label, **figures},
    )


def draw_place() -> None:
    """Skeletons, as long as nothing is known."""
    st.skeleton(32)
    st.skeleton(_METRIC)


def draw_alone(found: AttributeSnapshot) -> None:
    """The maps of two classes beside each other, each on its own."""
    _draw_others(found, found.maps)


def _draw_metrics(proof: Faithfulness | None, *, is_share: bool, of: str = "") -> None:
    """What blurring the top fifth does, and what blurring a random one does."""
    short = _("Faithfulness test: class probability with part blurred")
    words = _(
        "The class's probability after we blur the 20 % that the map calls most important. From "
        "60 % to 45 % is −15 points."
    )
    if is_share:
        short = _("Faithfulness test: first class's share of the two, with part blurred")
        words = _(
            "The first class's share of the two probabilities after we blur the most important 20 "
            "%. From 60 % to 45 % is −15 points."
        )
    with st.container(key=f"proof_{of}" if of else "proof"):
        st.caption(short)
        top, random = st.columns(2, gap="small", wrap=False)
    if proof is None:
        top.skeleton(_METRIC)
        random.skeleton(_METRIC)
        return
    top.metric(
        _("Most important 20 % blurred"),
        percent(proof.important),
        _("{points:+.1f} points").format(points=-100 * proof.fall),
        help=words,
    )
    random.metric(
        _("Same blur elsewhere"),
        percent(proof.random),
        _("{points:+.1f} points").format(points=-100 * proof.random_fall),
    )


def _draw_others(found: AttributeSnapshot, maps: Sequence[AttributionMap]) -> None:
    """Maps beside each other, each with its class or its method and its proof."""
    if not maps:
        return
    with st.container(key="other_maps"):
        columns = st.columns(_PAIR if len(maps) > 1 else _ONE, gap="small", wrap=False)
    for place, one in enumerate(maps):
        explained = _class_of(found, one)
        name = plain_class(explained.label)
        words = "**{name}**" if len(maps) > 1 else _beside(found.classes[0], explained)
        with columns[place % len(columns)]:
            _draw_map(found, one)
            st.caption(_with_proof(words.format(name=name), one.faithfulness))


def _beside(first: ExplainedClass, other: ExplainedClass) -> str:
    """What the only class beside the explained one is."""
    if other.probability > first.probability:
        return _("Its answer: **{name}**")
    return _("Runner-up: **{name}**")


def _with_proof(name: str, proof: Faithfulness | None) -> str:
    if proof is None:
        return name
    words = _("{name} {before:.1f} %; {important:.1f} % with the most important 20 % blurred")
    return words.format(name=name, before=100 * proof.before, important=100 * proof.important)


def _draw_map(
    found: AttributeSnapshot, one: AttributionMap, said: Sequence[str] = (), done: float = 1.0
) -> None:
    """A map over the photograph, as strong as the slider has it."""
    explained, method = _class_of(found, one), _(METHODS[one.method].label)
    words = _(
        "{method}: where the evidence for {label} lies, strongest at {x}, {y} of {side} pixels"
    )
    x, y = one.peak
    live_picture(
        heatmap.overlay_encoded(found.photo, one.heatmap, st.session_state.strength),
        alt=words.format(
            method=method, label=class_name(explained.label), x=x, y=y, side=found.side
        ),
        said=said,
        done=done,
    )


def _said(found: AttributeSnapshot) -> list[str]:
    """The explained class and its probability, and what it is held against."""
    said = [class_name(found.classes[0].label), percent(found.classes[0].probability)]
    if found.contrast is not None:
        other = class_name(found.contrast.label)
        said.append(_("rather than {other}").format(other=other))
    return said


def _share_done(found: AttributeSnapshot) -> float:
    return found.step / max(found.steps, 1)


def _class_of(found: AttributeSnapshot, one: AttributionMap) -> ExplainedClass:
    return next(explained for explained in found.classes if explained.target == one.target)
