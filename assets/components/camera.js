const LONG_SIDE = 640;
const EVERY_MS = 1000;
const MOST_WAITING = 8; // shots that the page has not answered; a slow one is waited for

class Camera {
  constructor(root) {
    for (const part of ["video", ".hold", "p", ".turn", ".switch"]) {
      this[part.replace(".", "")] = root.querySelector(part);
    }
    this.waiting = []; // sent, and sent again each second until the page has taken them
    this.last = 0;
    this.lens = new Lens(this.video, this.turn, () => this.close());
    this.switch.onclick = () => (this.lens.stream ? this.close() : this.show(() => this.lens.open()));
    this.turn.onclick = () => this.show(() => this.lens.change());
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
    this.turn.textContent = data.words.turn;
    this.switch.textContent = this.lens.stream ? data.words.close : data.words.open;
  }

  /** Show what ``open`` opens, or tell the page why there is nothing. */
  async show(open) {
    this.release();
    this.hold.hidden = true;
    try {
      if (!Lens.isAllowed()) throw new DOMException("", "NotSupportedError");
      if (!(await open())) return;
    } catch (error) {
      this.close();
      this.page.setStateValue("problem", error.name);
      return;
    }
    this.video.hidden = false;
    this.draw(this.page);
    this.page.setStateValue("problem", "");
  }

  close() {
    this.release();
    this.lens.stop();
    this.video.hidden = this.hold.hidden = this.turn.hidden = true;
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
