"""A line over every page while the lab does not answer: the network is away, or the server."""

from pages.shared.components import component
from pages.shared.words import _

_mount = component("offline")


def say_when_offline() -> None:
    """Have the browser ask whether the lab is there; takes no room on the page."""
    words = _("The lab isn't answering. What you press will count once the connection is back.")
    _mount(key="offline", data={"words": words})
