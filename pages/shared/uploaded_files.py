"""Uploaded files: a page reads them once and frees their memory."""

from collections.abc import Iterable
from typing import cast

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.typing import UploadedFile

from pages.server import process_state
from pages.shared.visit import script_context
from pages.shared.words import _
from tl_core.lab import Lab

_LARGE = 2**20  # bytes


def uploaded_files(widget: str) -> list[UploadedFile]:
    """The files of an uploader or a camera, without those that were freed."""
    value = st.session_state[widget]
    files = value if isinstance(value, list) else [value]
    return [file for file in files if isinstance(file, UploadedFile)]


def take_out(files: Iterable[UploadedFile]) -> None:
    """Have Streamlit keep the files no longer: their bytes live as long as these objects do."""
    manager = cast("MemoryUploadedFileManager", script_context().uploaded_file_mgr)
    for file in files:
        manager.remove_file(script_context().session_id, file.file_id)


def empty(files: Iterable[UploadedFile], lab: Lab) -> None:
    """Free the bytes of files that were taken out; in any thread."""
    was_large = False
    for file in files:
        was_large |= file.getbuffer().nbytes > _LARGE
        file.truncate(0)
    if was_large:
        lab.give_back_memory()


def show_refused() -> None:
    """Tell this tab why an upload was refused; its drop zone shows only a number."""
    session = script_context().session_id
    if session in process_state.refused:
        process_state.refused.discard(session)
        st.toast(
            _(
                "That was too much at once. Drop fewer files first, then the rest once those have "
                "arrived."
            ),
            icon=":material/error:",
            duration="long",
        )
