"""A button that copies the page's address, which holds what is chosen on it."""

from pages.shared.components import component
from pages.shared.words import _

_mount = component("copy_link")


def copy_link() -> None:
    """Draw the button; the browser alone copies."""
    data = {
        "label": _("Copy link"),
        "copied": _("Copied"),
        "refused": _("The browser did not allow it: copy the address above."),
    }
    _mount(key="copy_link", data=data, width=40, height=40)
