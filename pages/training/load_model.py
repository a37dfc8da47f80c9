"""Loading a model that was saved here: beside *Save*, and before there is one behind *More*."""

import streamlit as st

from pages.shared.choose_photo import Fold
from pages.shared.page_top import go_up
from pages.shared.uploaded_files import empty, take_out, uploaded_files
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, show_error
from pages.training.panes import TRY, show_pane
from tl_core.lab import UserError

_NOTE = "model_note"


def load_model(fold: Fold = st.popover) -> None:
    """A drop zone for a model's file, behind a press."""
    with fold(_("Load a model"), icon=":material/upload:"):
        st.file_uploader(
            _("A model file downloaded here"),
            type="safetensors",
            key="model_file",
            max_upload_size=the_lab().models.largest_file_mb,
            on_change=_load,
        )


def say_what_was_loaded() -> None:
    """What came of the last file."""
    note = st.session_state.pop(_NOTE, None)
    if isinstance(note, UserError):
        show_error(note)
    elif note:
        st.success(note)


def _load() -> None:
    for file in uploaded_files("model_file"):
        try:
            the_lab().models.load(file.getvalue(), the_visit().id)
        except UserError as error:
            st.session_state[_NOTE] = error
        else:
            st.session_state[_NOTE] = _(
                "Loaded. Try it here, or choose it under Backbone on any page."
            )
            show_pane(TRY)
            go_up()
        finally:
            take_out([file])
            empty([file], the_lab())
