"""The visitor's own models: classify a photograph, download, upload."""

from functools import partial

import streamlit as st

from pages.shared.charts import answer_bars
from pages.shared.choose_photo import photo_label
from pages.shared.download import download
from pages.shared.live import answer
from pages.shared.uploaded_files import free, uploaded_files
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, lesson, plain, show_error
from tl_core.lab import UserError
from tl_core.specs import Classify

_NOTE = "model_note"


def own_models(photo: str) -> None:
    """Draw the models in memory."""
    own = the_lab().models.of(the_visit().id)
    if own:
        st.header(_("Try it"), anchor=False)
        keys = list(reversed(own))  # newest first
        if st.session_state.get("own_model") not in own:
            st.session_state.own_model = keys[0]
        label = own.__getitem__
        chosen = st.selectbox(_("Your model"), keys, format_func=label, key="own_model")
        _try_it(chosen, photo)
        st.subheader(_("Take it home"), anchor=False)
        _take_home(chosen)
    with st.expander(_("Bring a model back"), icon=":material/upload:"):
        st.file_uploader(
            _("A model file that was downloaded here"),
            type="safetensors",
            key="model_file",
            on_change=_load,
        )
    note = st.session_state.pop(_NOTE, None)
    if isinstance(note, UserError):
        show_error(note)
    elif note:
        st.success(note)


def _try_it(model: str, photo: str) -> None:
    found = answer(Classify(photo=photo, backbone=model))
    if found is not None:
        picture, chart = st.columns([1, 2])
        picture.image(found.seen, width="stretch", alt=photo_label(photo))
        with chart:
            words = _("Your model says: {label}").format(label=plain(found.answers[0].label))
            st.subheader(words, anchor=False)
            answer_bars(found.answers, key="own_answer")
            st.caption(lesson("teach")["closed world"])


def _take_home(model: str) -> None:
    lab = the_lab()
    try:
        lines = lab.models.plain_pytorch(model)
    except UserError as error:
        show_error(error)
        return
    with st.container(horizontal=True):
        download(
            _("Model (safetensors, classes and settings inside)"),
            partial(lab.models.save, model),
            "model.safetensors",
            key="download_model",
            icon=":material/download:",
        )
        settings = partial(lab.models.settings_of, model)
        download(_("Settings (JSON)"), settings, "model.json", key="download_settings")
    with st.expander(_("The lines of plain PyTorch that load it"), icon=":material/code:"):
        st.code(lines, language="python", wrap_lines=True)


def _load() -> None:
    for file in uploaded_files("model_file"):
        try:
            key = the_lab().models.load(file.getvalue(), the_visit().id)
        except UserError as error:
            st.session_state[_NOTE] = error
        else:
            st.session_state.own_model = key
            st.session_state[_NOTE] = _("Loaded. It is now a choice under Backbone on every page.")
        finally:
            free([file])
