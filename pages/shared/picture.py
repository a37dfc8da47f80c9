"""Pictures as data URLs inside the page."""

import base64
import html
from collections.abc import Sequence

import streamlit as st

MAIN_PICTURE = 440  # pixels, the height of a skeleton in the place of a page's picture


def live_picture(data: bytes, *, alt: str, said: Sequence[str] = (), done: float = 1.0) -> None:
    """Draw a picture that is replaced every moment, exactly as its bytes are.

    On it stands what the network has ``said``, the first part in bold, and a bar until the share
    ``done`` of the work is all.

    Streamlit forgets a replaced picture at once, and a slow browser would then ask for it in vain;
    so these travel inside the page.
    """
    words = f'<progress value="{done:.2f}"></progress>' if done < 1 else ""
    if said:
        first, *rest = map(html.escape, said)
        words += f'<p class="said"><strong>{first}</strong> <span>{" · ".join(rest)}</span></p>'
    st.html(
        f'<div class="seen"><img src="{data_url(data)}" alt="{html.escape(alt)}" '
        f'style="width:100%;border-radius:.7rem;display:block">{words}</div>'
    )


def data_url(picture: bytes) -> str:
    """A PNG, JPEG or WebP as a data URL."""
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    if picture.startswith(b"RIFF"):
        kind = "webp"
    return f"data:image/{kind};base64," + base64.b64encode(picture).decode()
