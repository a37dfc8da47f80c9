"""The third column: what the visitor's model says of the camera, or of a photograph."""

from functools import partial

import streamlit as st

from pages.shared import link
from pages.shared.charts import answer_bars
from pages.shared.choose_backbone import label_of
from pages.shared.choose_photo import choose_photo, photo_label
from pages.shared.live import answer, ask_ahead
from pages.shared.live_camera import live_answers, live_switch, live_view, turn_live_on
from pages.shared.none_of_these import is_none, say_what_softmax_says, share_of
from pages.shared.own_models import own_models
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, plain, plain_class
from pages.training.corrections import (
    SOMETHING_NEW,
    correct_frame,
    draw_corrected,
    draw_fixes,
    examples_of,
)
from pages.training.load_model import say_what_was_loaded
from pages.training.model_care import care_for
from pages.training.model_names import boxes_of
from pages.training.none_of_these import choose_share, draw_nearest
from pages.training.predictions import photo_of
from pages.training.run import Done, best_of
from pages.training.side_by_side import side_by_side
from pages.training.tries import UNSURE_LEAD, draw_tries, is_unsure, remember
from tl_core.lab import UserError
from tl_core.specs.classify import Classification, Classify

_ORIGINAL = 3  # answers of the pretrained network
_ANSWER = 390  # pixels, the height of an answer's skeleton


def draw_trying(backbone: str | None, done: Done, *, has_all: bool) -> None:
    """Try the visitor's best model of the newest run, or another; before, the pretrained network.

    ``done`` is what ``finished`` returns. Unless the page shows ``has_all`` of its controls, a
    saved model is loaded elsewhere on it.
    """
    own = own_models()
    ended = {model: found for model, found in done.items() if model in own}
    is_live = bool(st.session_state.get("live", the_visit().is_live))
    with st.container(horizontal=True, key="try_head", vertical_alignment="center"):
        st.header(_("Try it"), anchor=False, width="content")
        if own or (is_live and backbone is not None):
            is_live = live_switch()
    say_what_was_loaded()
    network = _choose(own, ended) if own else backbone
    if network is None:
        return
    if not own:
        words = _("Not taught yet: the original {network}")
        st.caption(words.format(network=plain(label_of(network))))
    if not own and not is_live:
        _original(network)
    elif is_live:
        with st.container(key="try_live"):
            boxes = boxes_of(network)
            live_view(network, is_titled=True, on_correct=partial(correct_frame, boxes))
            live_answers(
                network,
                is_titled=True,
                unsure_lead=UNSURE_LEAD if own else 0.0,
                none_share=share_of(network),
                fixes=[*(box.name for box in boxes), *([_(SOMETHING_NEW)] if boxes else [])],
                examples=examples_of(boxes),
            )
    else:
        _still(network, ended)
    if own:
        draw_corrected()
        draw_tries()
        choose_share(network, ended.get(network))
        care_for(network, own, can_load=has_all)


def _original(network: str) -> None:
    """What the pretrained network says, and behind a press another photograph or the camera."""
    place = st.container()
    with st.popover(
        _("Another photograph"), icon=":material/photo_library:", width="stretch", key="try_more"
    ):
        live_switch()
        chosen = choose_photo(fold=st.expander)
    with place:
        _say(network, chosen, {}, is_own=False, truth="")


def _still(network: str, done: Done) -> None:
    """A photograph and the answer; where it is taken, dropped or chosen."""
    test, truth, is_missing = _test_photograph(done)
    with st.container(horizontal=True, key="try_photo", gap="small"):
        chosen = choose_photo(instead=test)
    taught = the_visit().taught.get(network)
    if is_missing or (test and taught is not None and taught.is_by_itself):
        st.button(
            _("Show it something"),
            key="begin_live",
            icon=":material/videocam:",
            type="primary",
            width="stretch",
            on_click=turn_live_on,
        )
        st.caption(_("Or drop a photograph here."))
    if not is_missing:
        _say(network, test or chosen, done, is_own=True, truth=truth)


def _choose(own: dict[str, str], done: Done) -> str:
    """One of the visitor's models: of the newest run the best on the test photographs."""
    keys = list(reversed(own))  # newest first
    first = best_of(done) if keys[0] in done else keys[0]
    with link.kept("own_model", first, keys, among=first):
        model = st.selectbox(
            _("Your model"),
            keys,
            format_func=own.__getitem__,
            key="own_model",
            label_visibility="collapsed",
        )
    return str(model)


def _test_photograph(done: Done) -> tuple[str, str, bool]:
    """A test photograph of what was taught, while no other was chosen since, and its true class.

    The last says that there is none, since nothing was kept aside.
    """
    visit = the_visit()
    if not done or visit.choices.get("sample", "") != visit.not_tried:
        return "", "", False
    model = best_of(done)
    _label, spec, snapshot = done[model]
    if snapshot.result is None or not snapshot.result.is_measured:
        return "", "", True
    found = snapshot.result.predictions[0]
    try:
        truth = the_lab().backbones.classes(model)[found.label]
        return photo_of(spec, found), truth, False
    except UserError:  # photograph or model have left the memory
        return "", "", False


def _say(model: str, photo: str, done: Done, *, is_own: bool, truth: str) -> None:
    """The photograph, the answer and its bars; beside it what the others of the run say."""
    models = [key for key in done if model in done] or [model]
    ask_ahead(Classify(photo=photo, backbone=key) for key in dict.fromkeys([model, *models]))
    found = answer(Classify(photo=photo, backbone=model), height=_ANSWER)
    if found is None:
        return
    picture, said = st.columns([2, 3], gap="small", wrap=False, vertical_alignment="center")
    alt = (
        _("A validation photograph of {truth}").format(truth=truth) if truth else photo_label(photo)
    )
    picture.image(found.seen, width="stretch", alt=alt)
    with said:
        _title(found, is_own=is_own)
        if truth:
            words = _("A validation photograph it never learned from: {truth}.")
            st.caption(words.format(truth=plain_class(truth)))
        if found.novelty is not None:
            draw_nearest(found.novelty)
    boxes = boxes_of(model)
    if boxes and not truth:
        is_sure = not is_none(found.novelty) and not is_unsure(found.answers)
        draw_fixes(boxes, photo, found, is_sure=is_sure)
    answer_bars(found.answers[: None if is_own else _ORIGINAL], key="own_answer")
    if is_own and not truth:
        remember(photo, found)
    if len(models) > 1:
        side_by_side(photo, model, done)


def _title(found: Classification, *, is_own: bool) -> None:
    best = plain_class(found.answers[0].label)
    words = _("Your model says: {label}") if is_own else _("It says: {label}")
    if is_own and is_none(found.novelty):
        st.subheader(_("None of these"), anchor=False)
        say_what_softmax_says(found.answers[0])
        return
    if is_own and is_unsure(found.answers):
        second = plain_class(found.answers[1].label)
        words = _("Your model is unsure: {label} or {second}").replace("{second}", second)
    st.subheader(words.format(label=best), anchor=False)
