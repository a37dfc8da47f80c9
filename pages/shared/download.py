"""Buttons that hand out files."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

_MEDIA_TYPES = {
    ".png": "image/png",
    ".webp": "image/webp",
    ".json": "application/json",
    ".html": "text/html",
    ".ipynb": "application/x-ipynb+json",
    ".safetensors": "application/octet-stream",
}


def download(
    label: str,
    data: bytes | str | Callable[[], bytes | str],
    file: str,
    *,
    key: str,
    icon: str | None = None,
    help: str | None = None,
) -> None:
    """Draw a button that downloads ``data``, or what it returns, under the name ``file``."""
    kind = _MEDIA_TYPES[Path(file).suffix]
    st.download_button(label, data, file, kind, key=key, icon=icon, help=help, on_click="ignore")
