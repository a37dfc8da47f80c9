"""Another page begins at its top: Streamlit leaves it scrolled as the last one was."""

from pages.shared.components import component

_mount = component("page_top")


def begin_at_top(page: str) -> None:
    """Scroll to the top where ``page`` is another one than before; takes no room on the page."""
    _mount(key="page_top", data={"page": page})
