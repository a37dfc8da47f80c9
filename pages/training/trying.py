"""The third column: what the visitor's model, or the pretrained network, says of the photograph."""

from functools import partial

import streamlit as st

from pages.shared import link
from pages.shared.charts import answer_bars
from pages.shared.choose_backbone import label_of
from pages.shared.choose_photo import photo_label
from pages.shared.download import download
from pages.shared.live import answer
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, lesson, plain, plain_class, sentence, show_error
from pages.training.run import best_of, finished
from tl_core.classify.spec import Classify
from tl_core.lab import UserError

_ANSWER = 390  # pixels, the height of an answer's skeleton


def draw_trying(photo: str, backbone: str | None) -> None:
    """Try the visitor's newest model, or another of theirs; before there is one, the pretrained."""
    own = the_lab().models.of(the_visit().id)
    if own:
        model = _choose(own)
        _say(model, photo, _("Your model says: {label}"))
        with st.container(horizontal=True, gap="small"):
            _use_everywhere(model)
            with st.popover(_("Save"), icon=":material/download:", key="save"):
                _take_home(model)
        st.caption(lesson("training")["closed world"])
    elif backbone is not None:
        words = _("Before you teach it: {network} as it is, with the classes it learned first.")
        st.caption(words.format(network=plain(label_of(backbone))))
        _say(backbone, photo, _("It says: {label}"))


def _choose(own: dict[str, str]) -> str:
    """One of the visitor's models: a new one when it is there, of a run's the best."""
    keys = list(reversed(own))  # newest first
    done = {key: found for key, found in finished().items() if key in own}  # some may be forgotten
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


def _say(model: str, photo: str, title: str) -> None:
    """The photograph, the answer and its bars."""
    found = answer(Classify(photo=photo, backbone=model), height=_ANSWER)
    if found is None:
        return
    picture, said = st.columns([2, 3], gap="small", wrap=False, vertical_alignment="center")
    picture.image(found.seen, width="stretch", alt=photo_label(photo))
    said.subheader(title.format(label=plain_class(found.answers[0].label)), anchor=False)
    answer_bars(found.answers, key="own_answer")


def _use_everywhere(model: str) -> None:
    is_chosen = st.session_state.get("backbone") == model
    st.button(
        _("In use on every page") if is_chosen else _("Use it on every page"),
        key="use_everywhere",
        icon=":material/check:" if is_chosen else ":material/apps:",
        width="stretch",
        disabled=is_chosen,
        on_click=link.set_choice,
        args=("backbone", model),
        help=_("It is then the choice under Backbone."),
    )


def _take_home(model: str) -> None:
    lab = the_lab()
    try:
        lines = lab.models.plain_pytorch(model)
    except UserError as error:
        show_error(error)
        return
    try:
        lab.models.require_loadable(model)
    except UserError as error:
        st.caption(sentence(error))
    download(
        _("Model (safetensors, classes and settings inside)"),
        partial(lab.models.save, model),
        "model.safetensors",
        key="download_model",
        icon=":material/download:",
    )
    settings = partial(lab.models.settings_of, model)
    download(_("Settings (JSON)"), settings, "model.json", key="download_settings")
    st.caption(_("The lines of plain PyTorch that load it:"))
    st.code(lines, language="python", wrap_lines=True)
