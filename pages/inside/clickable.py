"""A picture whose parts can be clicked: Streamlit's own pictures answer no clicks."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import streamlit as st

from pages.shared.picture import data_url


@dataclass(frozen=True, slots=True)
class Spot:
    """A clickable rectangle, in shares of the picture's width and height."""

    id: str
    title: str  # what a pointer resting on it reads
    left: float
    top: float
    width: float
    height: float


_CSS = """
.frame {position: relative; line-height: 0}
.frame img {width: 100%; border-radius: var(--st-base-radius); image-rendering: auto}
.frame button {position: absolute; padding: 0; margin: 0; border: 0; background: none;
  cursor: pointer; border-radius: 4px}
.frame button:hover, .frame button:focus-visible {outline: 3px solid var(--st-primary-color)}
.frame button.chosen {outline: 3px solid #e8743b}
"""

_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  let frame = parentElement.querySelector(".frame");
  if (!frame) {
    frame = document.createElement("div");
    frame.className = "frame";
    parentElement.appendChild(frame);
  }
  const image = document.createElement("img");
  image.src = data.src;
  image.alt = data.alt;
  const buttons = data.spots.map((spot) => {
    const button = document.createElement("button");
    button.title = spot.title;
    button.setAttribute("aria-label", spot.title);
    if (spot.id === data.chosen) button.className = "chosen";
    for (const side of ["left", "top", "width", "height"]) {
      button.style[side] = `${100 * spot[side]}%`;
    }
    button.onclick = () => setTriggerValue("picked", spot.id);
    return button;
  });
  frame.replaceChildren(image, ...buttons);
}
"""

_mount = st.components.v2.component("clickable_picture", css=_CSS, js=_JS)


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
        value = st.session_state[key].picked
        if value is not None:
            on_pick(str(value))

    _mount(
        data={
            "src": data_url(picture, "image/png"),
            "alt": alt,
            "spots": [asdict(spot) for spot in spots],
            "chosen": chosen,
        },
        key=key,
        on_picked_change=picked,
    )
