"""A picture with clickable parts, which Streamlit's own pictures have not."""

from collections.abc import Callable, Sequence

from pages.shared.components import component, message, text
from pages.shared.picture import data_url

# A clickable rectangle: ``id``, ``title``, which a pointer resting on it reads, and ``left``,
# ``top``, ``width`` and ``height`` in shares of the picture's
Spot = dict[str, str | float]

_mount = component("clickable_picture")


def clickable(
    picture: bytes,
    spots: Sequence[Spot],
    *,
    key: str,
    alt: str,
    chosen: str,
    on_pick: Callable[[str], None],
) -> None:
    """Draw a PNG as wide as its place; call ``on_pick`` with the id of a clicked spot."""

    def picked() -> None:
        value = message(key, "picked", text)
        if value in {spot["id"] for spot in spots}:
            on_pick(value)

    _mount(
        data={
            "src": data_url(picture),
            "alt": alt,
            "spots": list(spots),
            "chosen": chosen,
        },
        key=key,
        on_picked_change=picked,
    )
