// Takes photographs one after the other: while a button is held, or from one tap to the next.
const SHOT_SIDE = 640; // pixels, the longer one
const LOOK_MS = 100; // between two looks at the video
const KEEP_MS = 500; // of the looks in this time, the one that differs most is kept
const TAP_MS = 350; // what is shorter goes on until the next tap
const MOST_SHOTS = 40; // of one recording
const ENOUGH_SHOTS = 8; // from then on, what hardly differs from the last is not kept
const STILL = 2; // of 255, the mean difference of what hardly differs
const GLANCE = 24; // pixels, the side of what is compared
const KEYS = [" ", "Enter"];

class Recorder {
  /** ``onShot`` gets each photograph, ``onChange`` is told that a recording begins or ends. */
  constructor(button, video, { onShot, onChange }) {
    Object.assign(this, { button, video, onShot, onChange, taken: 0 });
    this.glance = canvasOf(GLANCE, GLANCE).getContext("2d", { willReadFrequently: true });
    button.onpointerdown = (event) => {
      if (event.button) return;
      button.setPointerCapture(event.pointerId);
      this.press();
    };
    button.onkeydown = (event) => {
      if (!KEYS.includes(event.key)) return;
      event.preventDefault();
      if (!event.repeat) this.press();
    };
    button.onkeyup = (event) => KEYS.includes(event.key) && this.release();
    button.oncontextmenu = (event) => event.preventDefault(); // what a long touch opens
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      button.addEventListener(end, () => this.release());
    }
    button.onblur = () => this.isHeld && this.end();
  }

  get isOn() {
    return Boolean(this.timer);
  }

  press() {
    if (this.isOn) return this.end();
    this.pressedAt = performance.now();
    this.isHeld = true;
    this.begin();
  }

  release() {
    if (!this.isHeld) return;
    this.isHeld = false;
    if (performance.now() - this.pressedAt > TAP_MS) this.end();
  }

  begin() {
    [this.taken, this.kept, this.best] = [0, null, null];
    this.burst = Date.now();
    this.timer = setInterval(() => this.look(), LOOK_MS);
    this.look();
    this.onChange();
  }

  end() {
    clearInterval(this.timer);
    this.timer = null;
    this.isHeld = this.isStill = false;
    this.onChange();
  }

  /** Look once; every half second keep what differed most from the photograph before. */
  look() {
    const { videoWidth, videoHeight } = this.video;
    if (!videoWidth) return;
    this.glance.drawImage(this.video, 0, 0, GLANCE, GLANCE);
    const seen = this.glance.getImageData(0, 0, GLANCE, GLANCE).data;
    const difference = this.kept ? distance(seen, this.kept) : Infinity;
    if (!this.best || difference > this.best.difference) {
      const scale = Math.min(1, SHOT_SIDE / Math.max(videoWidth, videoHeight));
      const picture = canvasOf(Math.round(scale * videoWidth), Math.round(scale * videoHeight));
      picture.getContext("2d").drawImage(this.video, 0, 0, picture.width, picture.height);
      this.best = { difference, picture, seen };
    }
    if (this.kept && performance.now() < this.keptAt + KEEP_MS) return;
    this.keep();
  }

  keep() {
    const { difference, picture, seen } = this.best;
    this.best = null;
    this.keptAt = performance.now();
    const isStill = difference === 0 || (difference < STILL && this.taken >= ENOUGH_SHOTS);
    if (!isStill) {
      this.kept = seen;
      this.taken += 1;
      const { burst } = this;
      picture.toBlob((shot) => this.onShot(shot, burst), "image/jpeg", 0.9);
    }
    if (this.taken >= MOST_SHOTS) return this.end();
    if (isStill !== this.isStill) {
      this.isStill = isStill;
      this.onChange();
    }
  }
}

function canvasOf(width, height) {
  return Object.assign(document.createElement("canvas"), { width, height });
}

/** The mean difference of two pictures, of 255. */
function distance(one, other) {
  let sum = 0;
  for (let at = 0; at < one.length; at += 1) sum += Math.abs(one[at] - other[at]);
  return sum / one.length;
}
