"""The keyboard's way through a page: what Streamlit leaves to the browser, and that loses."""

from pages.shared.components import component, script
from pages.shared.words import _

_mount = component("keys")


def keep_keys() -> None:
    """Keep the focus, take Alt+S early, offer a way past the menu; takes no room on the page.

    A button that gives way to another hands the focus to that: Start to Pause, Stop to Start. Alt+S
    that is pressed before Start is drawn counts once it is. The first stop of the Tab key leads to
    Start, or to the first control of the page. What Streamlit calls in English for screen readers
    has the visitor's language.
    """
    script("keys_early")
    names = {
        "App pages": _("Pages"),
        "Navigate to home page": _("Home"),
        "Open": _("Open the list"),
        "Help": _("Help"),
    }
    _mount(key="keys", data={"skip": _("Skip to the main control"), "names": names})
