"""What can be done with a visitor's model: use it everywhere, save it, rename it, throw it away."""

from functools import partial

import streamlit as st

from pages.shared import link
from pages.shared.download import download
from pages.shared.sitemap import ATTACK, ATTRIBUTION, BACKBONES, IDEAL
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, plain, sentence, show_error
from pages.training.load_model import load_model
from tl_core.lab import UserError
from tl_core.specs.base import DEFAULT_BACKBONE
from tl_core.specs.training import LABEL_LENGTH


def care_for(model: str, own: dict[str, str], *, can_load: bool) -> None:
    """Draw the buttons for a model; ``own`` are the names of all, by key."""
    is_chosen = st.session_state.get("backbone") == model
    with st.container(horizontal=True, gap="small", key="model_care"):
        st.button(
            _("In use on every page") if is_chosen else _("Use it on every page"),
            key="use_everywhere",
            icon=":material/check:" if is_chosen else ":material/apps:",
            disabled=is_chosen,
            on_click=_use_everywhere,
            args=(model, own[model]),
            help=_("Selects it under Backbone."),
        )
        with st.popover(_("Save"), icon=":material/download:", key="save"):
            _take_home(model)
        if can_load:
            load_model()
        with st.popover(_("Name"), icon=":material/edit:", key="model_name"):
            _rename_or_drop(model, own)
    if is_chosen:
        with st.container(border=True, key="in_use"):
            words = _("All pages now use **{label}**. See what it looks at, or try to fool it:")
            st.markdown(words.format(label=plain(own[model])))
            with st.container(horizontal=True, gap="small"):
                for page in (ATTRIBUTION, IDEAL, ATTACK, BACKBONES):
                    st.page_link(page.path, label=_(page.title), icon=page.icon, width="content")
            st.button(
                _("Back to the pretrained network"),
                key="use_pretrained",
                icon=":material/undo:",
                on_click=link.set_choice,
                args=("backbone", DEFAULT_BACKBONE),
            )


def _use_everywhere(model: str, label: str) -> None:
    link.set_choice("backbone", model)
    st.toast(_("All pages now use **{label}**.").format(label=plain(label)))


def _rename_or_drop(model: str, own: dict[str, str]) -> None:
    key = f"model_label_{model}"
    for other in [name for name in st.session_state if str(name).startswith("model_label_")]:
        if other != key:
            del st.session_state[other]
    st.session_state.setdefault(key, own[model])
    st.text_input(
        _("What to call this model"),
        key=key,
        max_chars=LABEL_LENGTH,
        on_change=_rename,
        args=(model, key),
    )
    st.button(
        _("Throw this model away"),
        key="drop_model",
        icon=":material/delete:",
        on_click=_drop,
        args=(model,),
        help=_("This deletes it from the lab for good. The photographs stay in their boxes."),
    )


def _rename(model: str, key: str) -> None:
    label = str(st.session_state.get(key, "")).strip()
    if not label:
        return
    try:
        the_lab().models.rename(model, label=label)
    except UserError:
        return  # it has left the memory: the list below has it no more
    the_visit().named[model] = True


def _drop(model: str) -> None:
    the_lab().models.drop(model)
    if st.session_state.get("backbone") == model:
        link.set_choice("backbone", DEFAULT_BACKBONE)


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
        _("The model (safetensors)"),
        partial(lab.models.save, model),
        "model.safetensors",
        key="download_model",
        icon=":material/download:",
    )
    st.caption(
        _(
            "Keep it for later, or give it to somebody: “Load a model” on this page opens it "
            "again, here or in another lab. Classes and settings are inside. Your photographs "
            "aren't, only their [feature vectors](#embedding), for “none of these”."
        )
    )
    settings = partial(lab.models.settings_of, model)
    download(_("The settings (JSON)"), settings, "model.json", key="download_settings")
    st.caption(_("Look up how it was trained, or train with the same settings again."))
    with st.expander(_("For Python users: the plain PyTorch code that loads it")):
        st.code(lines, language="python", wrap_lines=True)
