"""Another page begins at its top, and in its language: Streamlit leaves both as they were."""

from pages.shared.components import component
from pages.shared.words import current_language

_mount = component("page_top")


def begin_at_top(page: str) -> None:
    """Scroll to the top where ``page`` is another one than before; takes no room on the page.

    The browser is told the language too: it chooses the shapes of characters that Chinese and
    Japanese share, and screen readers a voice.
    """
    _mount(key="page_top", data={"page": page, "language": current_language().code})
