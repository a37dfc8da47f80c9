"""A handle over two pictures that lie one on the other: it uncovers one or the other."""

from pages.shared.components import component

_mount = component("swipe", isolate_styles=False)


def swipe(label: str) -> None:
    """Draw the handle over the pictures of the container around it, which follow ``--swipe``."""
    _mount(data={"label": label}, key="swipe")
