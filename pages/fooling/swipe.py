"""Two pictures of one size, one over the other, with a handle to swipe between them."""

import streamlit as st

from pages.shared.picture import data_url

_CSS = """
.frame {position: relative; line-height: 0; touch-action: none; user-select: none}
.frame img {width: 100%; border-radius: var(--st-base-radius); display: block}
.frame img.over {position: absolute; inset: 0}
.frame .line {position: absolute; top: 0; bottom: 0; width: 3px; margin-left: -1.5px;
  background: #fff; box-shadow: 0 0 4px rgba(0, 0, 0, .6); pointer-events: none}
.frame input {position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0;
  cursor: ew-resize}
"""

_JS = """
export default function ({ data, parentElement }) {
  let frame = parentElement.querySelector(".frame");
  if (!frame) {
    frame = document.createElement("div");
    frame.className = "frame";
    frame.innerHTML = '<img class="under"><img class="over"><div class="line"></div>' +
      '<input type="range" min="0" max="100" value="50">';
    parentElement.appendChild(frame);
    const input = frame.querySelector("input");
    const show = () => {
      frame.querySelector(".over").style.clipPath = `inset(0 ${100 - input.value}% 0 0)`;
      frame.querySelector(".line").style.left = `${input.value}%`;
    };
    input.addEventListener("input", show);
    show();
  }
  const [under, over] = frame.querySelectorAll("img");
  under.src = data.right;
  over.src = data.left;
  under.alt = data.alt;
  over.alt = "";
  frame.querySelector("input").setAttribute("aria-label", data.alt);
}
"""

_mount = st.components.v2.component("swipe", css=_CSS, js=_JS)


def swipe(left: bytes, right: bytes, *, key: str, alt: str) -> None:
    """Draw two PNGs of one size; the handle uncovers one or the other."""
    _mount(
        data={
            "left": data_url(left, "image/png"),
            "right": data_url(right, "image/png"),
            "alt": alt,
        },
        key=key,
    )
