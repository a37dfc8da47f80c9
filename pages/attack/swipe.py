"""Two pictures of one size, one over the other, with a handle to swipe between them."""

from pages.shared.components import component
from pages.shared.picture import data_url

_mount = component("swipe")


def swipe(left: bytes, right: bytes, *, key: str, alt: str) -> None:
    """Draw two PNGs of one size; the handle uncovers one or the other."""
    _mount(data={"left": data_url(left), "right": data_url(right), "alt": alt}, key=key)
