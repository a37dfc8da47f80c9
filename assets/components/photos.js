const AT_ONCE = 40; // photographs in a message
const BATCH = 4_000_000; // characters in a message, but for one file that has more alone

const FILLED = "box-filled"; // an event: the next empty box comes into view

class PhotosInput {
  constructor(root) {
    this.zone = root.querySelector(".photos-zone");
    for (const part of ["count", "squares", "note", "camera", "view", "record", "hint", "turn"]) {
      this[part] = root.querySelector(`.${part}`);
    }
    this.buttons = { choose: root.querySelector(".choose"), open: root.querySelector(".open") };
    this.video = root.querySelector("video");
    this.lens = new Lens(this.video, this.turn, () => this.close());
    this.recorder = new Recorder(this.record, this.video, {
      onShot: (shot, burst) => this.shoot(shot, burst),
      onChange: () => this.tellRecording(),
    });
    this.post = new Post(() => this.lose());
    this.packing = 0; // files that are looked at and made smaller
    this.waiting = []; // those that are sent after what is on its way
    const [file, capture] = [root.querySelector(".file"), root.querySelector(".capture")];
    for (const input of [file, capture]) {
      input.onchange = () => {
        this.take([...input.files]);
        input.value = ""; // or the same files again would be no change
      };
    }
    this.buttons.choose.onclick = () => file.click();
    this.buttons.open.onclick = () => {
      if (!isSecureContext) capture.click(); // the device's own camera, a photograph at a time
      else if (this.lens.stream) this.close();
      else this.show(() => this.lens.open());
    };
    this.turn.onclick = () => this.show(() => this.lens.change());
    this.video.onloadeddata = () => (this.record.disabled = false);
    this.listen(this.zone);
    this.listeners = new AbortController();
    const { signal } = this.listeners;
    addEventListener(AIMS, (event) => event.detail !== this && this.close(), { signal });
    addEventListener("pane-opened", () => this.close(), { signal });
    addEventListener(FILLED, (event) => this.comeIntoView(event), { signal });
    document.addEventListener("visibilitychange", () => document.hidden && this.close(), { signal });
  }

  listen(zone) {
    zone.ondragenter = zone.ondragover = (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault(); // or nothing can be dropped
      event.dataTransfer.dropEffect = "copy";
      zone.classList.add("over");
    };
    zone.ondragleave = (event) => {
      if (!zone.contains(event.relatedTarget)) zone.classList.remove("over");
    };
    zone.ondrop = (event) => {
      zone.classList.remove("over");
      if (!holdsFiles(event)) return;
      event.preventDefault();
      this.take([...event.dataTransfer.files]);
    };
  }

  draw(page) {
    const isFirst = !this.page;
    this.page = page;
    const { name, words } = page.data;
    if (isFirst && page.data.held) this.isEnding = true; // a recording that the last tab began
    this.post.draw(page);
    this.zone.ariaLabel = name;
    this.buttons.choose.ariaLabel = `${words.choose}: ${name}`;
    this.buttons.choose.querySelector("span").textContent = words.choose;
    this.buttons.open.ariaLabel = `${words.open}: ${name}`;
    this.buttons.open.querySelector("span").textContent = words.open;
    this.record.ariaLabel = `${words.record}: ${name}`;
    this.turn.ariaLabel = this.turn.title = words.turn;
    this.view.style.setProperty("--seen", `${(100 * page.data.resize) / page.data.side}%`);
    this.tellRecording();
    this.zone.style.visibility = ""; // now its buttons have names
    this.drawSquares();
    this.sendNext();
  }

  // -- the camera

  /** Show what ``open`` opens, or say why there is nothing. */
  async show(open) {
    this.note.textContent = "";
    this.record.disabled = true;
    dispatchEvent(new CustomEvent(AIMS, { detail: this }));
    try {
      if (!Lens.isAllowed()) throw new DOMException("", "NotSupportedError");
      if (!(await open())) return;
    } catch (error) {
      this.close();
      const { problems } = this.page.data.words;
      this.note.textContent = problems[error.name] ?? problems.other;
      return;
    }
    const side = this.lens.stream.getVideoTracks()[0].getSettings().facingMode;
    this.view.classList.toggle("mirrored", side !== "environment");
    this.camera.hidden = false;
    this.buttons.open.ariaExpanded = "true";
  }

  close() {
    if (this.recorder.isOn) this.recorder.end();
    const wasOn = Boolean(this.lens.stream);
    this.lens.stop();
    this.camera.hidden = this.record.disabled = true;
    this.buttons.open.ariaExpanded = "false";
    if (wasOn) dispatchEvent(new CustomEvent(RESTS));
  }

  async shoot(shot, burst) {
    const number = this.post.number(); // in the order in which they were taken
    this.packing += 1;
    const data = await base64(shot);
    this.packing -= 1;
    this.waiting.push({ number, name: "", data, burst });
    this.sendNext();
  }

  /** What the button does now; once a recording is over, the page draws what has come of it. */
  tellRecording() {
    const { isOn, isStill } = this.recorder;
    const { words } = this.page.data;
    this.record.classList.toggle("on", isOn);
    this.record.ariaPressed = String(isOn);
    this.hint.textContent = isStill ? words.still : isOn ? words.recording : words.record;
    if (this.wasOn && !isOn) {
      this.isEnding = true;
      dispatchEvent(new CustomEvent(FILLED, { cancelable: true }));
    }
    this.wasOn = isOn;
    this.sendNext();
  }

  /** The first box that hears of it and has nothing yet takes it. */
  comeIntoView(event) {
    if (event.defaultPrevented || this.page.data.photos.length || this.recorder.taken) return;
    event.preventDefault();
    this.zone.scrollIntoView({ block: "nearest" });
  }

  // -- what is in the box

  /** The newest photographs; a press on one takes it out. */
  drawSquares() {
    const { photos, more, words } = this.page.data;
    const place = this.focused ?? -1;
    const drawn = photos.map(({ key, url }, number) => {
      const square = document.createElement("button");
      square.type = "button";
      square.ariaLabel = square.title = words.remove;
      square.style.backgroundImage = `url("${url}")`;
      square.onclick = () => {
        this.focused = number;
        this.page.setTriggerValue("removed", key);
      };
      return square;
    });
    const rest = document.createElement("span");
    rest.textContent = more ? `+${more}` : "";
    const empty = document.createElement("button");
    [empty.type, empty.className, empty.textContent] = ["button", "empty", words.empty];
    empty.ariaLabel = `${words.empty}: ${this.page.data.name}`;
    empty.onclick = () => this.page.setTriggerValue("emptied", true);
    this.squares.replaceChildren(...drawn, rest, empty);
    this.squares.hidden = !photos.length;
    if (place < 0) return;
    (drawn[Math.min(place, drawn.length - 1)] ?? this.buttons.choose).focus();
    this.focused = null;
  }

  async take(files) {
    this.note.textContent = "";
    this.packing += files.length;
    const leftOut = [];
    for (const file of files) {
      this.tell();
      const data = await this.packed(file);
      if (this.isGone) return;
      this.packing -= 1;
      if (data) this.waiting.push({ number: this.post.number(), name: file.name, data });
      else leftOut.push(file.name);
      this.sendNext();
    }
    if (leftOut.length) {
      this.note.textContent = this.page.data.words.left_out.replace("{names}", leftOut.join(", "));
    }
  }

  /** What travels of a file; nothing of one that the lab could not read. */
  async packed(file) {
    if (!(await isPicture(file))) return null;
    return packed(file, this.page.data.limits).then(base64).catch(() => null);
  }

  sendNext() {
    const isOver = this.isEnding && !this.packing; // of a recording, with nothing on its way
    if (!this.post.sent && (this.waiting.length || isOver)) {
      let size = 0;
      const isTooMuch = ({ data }, place) => place >= AT_ONCE || (size += data.length) > BATCH;
      const end = this.waiting.findIndex(isTooMuch);
      const photos = this.waiting.splice(0, end < 0 ? this.waiting.length : Math.max(end, 1));
      const isLast = isOver && !this.waiting.length;
      if (isLast) this.isEnding = false;
      const isHeld = this.recorder.isOn || Boolean(this.isEnding);
      this.post.send({ number: photos.at(-1)?.number ?? this.post.number(), photos, held: isHeld });
    }
    this.tell();
  }

  /** Say how many photographs are in the box, or are not yet. */
  tell() {
    const { count, words } = this.page.data;
    const coming = this.packing + this.waiting.length + (this.post.sent?.photos.length ?? 0);
    this.count.textContent = coming ? words.waiting.replace("{count}", coming) : count;
    this.zone.ariaBusy = String(coming > 0);
  }

  lose() {
    this.note.textContent = this.page.data.words.lost;
    this.sendNext();
  }

  leave() {
    this.isGone = true;
    this.close();
    this.listeners.abort();
    this.post.rest();
  }
}

export default (page) => mount(page, (root) => new PhotosInput(root));
