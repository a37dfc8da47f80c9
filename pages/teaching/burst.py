"""A camera that takes a photograph a second while a button is held: Streamlit's takes one."""

import base64
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from pages.shared.words import _

_HTML = """
<video autoplay muted playsinline hidden></video>
<button class="hold" hidden></button>
<p aria-live="polite"></p>
<button class="switch"></button>
"""

_CSS = """
video, button {width: 100%; max-width: 24rem}
video {border-radius: var(--st-base-radius); display: block; background: #000}
video[hidden], button[hidden] {display: none}
button {font: inherit; min-height: 2.75rem; padding: .4rem .75rem; cursor: pointer;
  color: var(--st-text-color); background: var(--st-background-color);
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius)}
button:hover, button:focus-visible {border-color: var(--st-primary-color)}
.hold {margin-top: .5rem; color: #fff; background: var(--st-primary-color); touch-action: none;
  user-select: none; -webkit-user-select: none; -webkit-touch-callout: none}
.hold.held {box-shadow: 0 0 0 4px color-mix(in srgb, var(--st-primary-color) 40%, transparent)}
p {margin: .5rem 0; font-size: .875rem; opacity: .75}
"""

_JS = """
const LONG_SIDE = 640;
const EVERY_MS = 1000;
const MOST_WAITING = 8; // shots that the page has not answered; a slow one is waited for

class Camera {
  constructor(root) {
    for (const part of ["video", ".hold", "p", ".switch"]) {
      this[part.replace(".", "")] = root.querySelector(part);
    }
    this.waiting = []; // sent, and sent again each second until the page has taken them
    this.last = 0;
    this.switch.onclick = () => (this.stream ? this.close() : this.open());
    this.video.onloadeddata = () => (this.hold.hidden = false);
    this.listen(this.hold);
  }

  listen(hold) {
    hold.onpointerdown = (event) => {
      if (event.button) return;
      hold.setPointerCapture(event.pointerId);
      this.press();
    };
    hold.onkeydown = (event) => {
      if (![" ", "Enter"].includes(event.key)) return;
      event.preventDefault();
      this.press();
    };
    hold.oncontextmenu = (event) => event.preventDefault(); // what a long touch opens
    for (const end of ["pointerup", "pointercancel", "lostpointercapture", "keyup", "blur"]) {
      hold.addEventListener(end, () => this.release());
    }
  }

  draw(page) {
    this.page = page;
    const { data } = page;
    this.last = Math.max(this.last, data.taken);
    this.waiting = this.waiting.filter((shot) => shot.number > data.taken);
    this.hold.textContent = data.words.hold;
    this.p.textContent = data.count;
    this.switch.textContent = this.stream ? data.words.close : data.words.open;
  }

  async open() {
    try {
      // over plain http there are none, or what Streamlit's own camera puts there instead
      const devices = navigator.mediaDevices;
      if (!devices?.enumerateDevices) throw new DOMException("", "NotSupportedError");
      this.stream = await devices.getUserMedia({ video: true });
    } catch (error) {
      this.page.setStateValue("problem", error.name);
      return;
    }
    if (this.isGone) return this.close();
    this.stream.getTracks().forEach((track) => (track.onended = () => this.close()));
    this.video.srcObject = this.stream;
    this.video.hidden = false;
    this.draw(this.page);
    this.page.setStateValue("problem", "");
  }

  close() {
    this.release();
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = this.video.srcObject = null;
    this.video.hidden = this.hold.hidden = true;
    this.draw(this.page);
  }

  press() {
    if (this.isHeld) return;
    this.isHeld = true;
    this.hold.classList.add("held");
    clearInterval(this.timer);
    this.timer = setInterval(() => this.beat(), EVERY_MS);
    this.beat();
  }

  release() {
    if (!this.isHeld) return;
    this.isHeld = false;
    this.hold.classList.remove("held");
    this.send();
  }

  beat() {
    if (this.isHeld && this.waiting.length < MOST_WAITING) this.snap();
    if (this.waiting.length) this.send();
    else if (!this.isHeld) clearInterval(this.timer);
  }

  snap() {
    const { videoWidth, videoHeight } = this.video;
    const scale = Math.min(1, LONG_SIDE / Math.max(videoWidth, videoHeight));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(scale * videoWidth);
    canvas.height = Math.round(scale * videoHeight);
    canvas.getContext("2d").drawImage(this.video, 0, 0, canvas.width, canvas.height);
    this.last = Math.max(this.last + 1, Date.now()); // no other camera of this visit had it
    const picture = canvas.toDataURL("image/jpeg", 0.9);
    this.waiting.push({ number: this.last, place: this.page.data.place, picture });
  }

  send() {
    this.page.setTriggerValue("shots", { held: this.isHeld, shots: this.waiting });
  }

  leave() {
    this.isGone = true;
    this.close();
    clearInterval(this.timer);
  }
}

const cameras = new WeakMap();

export default function (page) {
  const root = page.parentElement;
  if (!cameras.has(root)) cameras.set(root, new Camera(root));
  const camera = cameras.get(root);
  camera.draw(page);
  return () => camera.leave();
}
"""

_mount = st.components.v2.component("camera_burst", html=_HTML, css=_CSS, js=_JS)


@dataclass(frozen=True, slots=True)
class Shot:
    """One photograph; the camera sends it again until its number counts as taken."""

    number: int  # grows from shot to shot, through the whole visit
    place: int  # what the page asked the camera to take it for
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Burst:
    """How the camera stands."""

    is_let_go: bool  # the button has just come up
    problem: str  # why there is no camera, as the browser names it; "" for none


def burst(
    key: str, *, place: int, taken: int, count: str, on_shot: Callable[[Shot], None]
) -> Burst:
    """Draw the camera; call ``on_shot`` with each photograph it sends, some of them again.

    ``taken`` is the largest number dealt with, ``count`` the line below the picture.
    """

    def sent() -> None:
        message = st.session_state[key].shots
        for shot in message["shots"] if message else []:
            jpeg = base64.b64decode(shot["picture"].partition(",")[2])
            on_shot(Shot(int(shot["number"]), int(shot["place"]), jpeg))

    found = _mount(
        key=key,
        data={
            "place": place,
            "taken": taken,
            "count": count,
            "words": {
                "open": _("Open the camera"),
                "close": _("Close the camera"),
                "hold": _("Hold to take photographs"),
            },
        },
        on_shots_change=sent,
        on_problem_change=lambda: None,
    )
    return Burst(
        is_let_go=bool(found.shots) and not found.shots["held"],
        problem=str(found.problem or ""),
    )
