const BATCH = 4_000_000; // characters in a message, but for one file that has more alone

class PhotosInput {
  constructor(root) {
    this.zone = root.querySelector(".photos-zone");
    this.buttons = { choose: root.querySelector(".choose"), open: root.querySelector(".open") };
    this.count = root.querySelector(".count");
    this.squares = root.querySelector(".squares");
    this.note = root.querySelector(".note");
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
    this.buttons.open.onclick = () => capture.click();
    this.buttons.open.hidden = isSecureContext; // the page's own camera works there
    this.listen(this.zone);
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
    this.page = page;
    const { name, words } = page.data;
    this.post.draw(page);
    this.zone.ariaLabel = name;
    this.buttons.choose.ariaLabel = `${words.choose}: ${name}`;
    this.buttons.choose.querySelector("span").textContent = words.choose;
    this.buttons.open.ariaLabel = this.buttons.open.title = words.open;
    this.zone.style.visibility = ""; // now its buttons have names
    this.drawSquares();
    this.sendNext();
  }

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
    this.squares.replaceChildren(...drawn, rest);
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
    if (!this.post.sent && this.waiting.length) {
      let size = 0;
      const isTooMuch = ({ data }) => (size += data.length) > BATCH;
      const end = this.waiting.findIndex(isTooMuch);
      const photos = this.waiting.splice(0, end < 0 ? this.waiting.length : Math.max(end, 1));
      this.post.send({ number: photos.at(-1).number, photos });
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
    this.post.rest();
  }
}

const inputs = new WeakMap();

export default function (page) {
  const root = page.parentElement;
  if (!inputs.has(root)) inputs.set(root, new PhotosInput(root));
  const input = inputs.get(root);
  input.draw(page);
  return () => input.leave();
}
