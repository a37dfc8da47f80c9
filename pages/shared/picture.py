"""Pictures as data URLs inside the page."""

import base64
import html

import streamlit as st


def live_picture(data: bytes, *, alt: str, kind: str = "image/jpeg") -> None:
    """Draw a picture that is replaced every moment, exactly as its bytes are.

    Streamlit forgets a replaced picture at once, and a slow browser would then ask for it in vain;
    so these travel inside the page.
    """
    st.html(
        f'<img src="{data_url(data, kind)}" alt="{html.escape(alt)}" '
        'style="width:100%;border-radius:.7rem;display:block">'
    )


def data_url(data: bytes, kind: str = "image/jpeg") -> str:
    """The bytes as a data URL."""
    return f"data:{kind};base64," + base64.b64encode(data).decode()
