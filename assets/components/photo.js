const DRAGGED_MS = 500; // a browser tells of dragged files more often while they are over the page
const ZONE = "[data-testid=stFileUploaderDropzone], .photos-zone"; // what is dropped there stays there
const TEXT_FIELD =
  "input:not([type=checkbox], [type=radio], [type=range], [type=file]), textarea, [contenteditable]";

class PhotoInput {
  constructor(root) {
    this.bar = root.querySelector(".bar");
    this.note = root.querySelector(".note");
    this.overlay = root.querySelector(".overlay");
    this.image = root.querySelector("img");
    this.noImage = root.querySelector(".picture svg");
    this.buttons = {};
    for (const name of ["picture", "upload", "open", "shutter", "turn", "close"]) {
      this.buttons[name] = root.querySelector(`.${name}`);
    }
    this.choices = 0;
    this.post = new Post(() => this.lose());
    const [file, capture] = [root.querySelector(".file"), root.querySelector(".capture")];
    for (const input of [file, capture]) {
      input.onchange = () => {
        this.take([...input.files]);
        input.value = ""; // or the same file again would be no change
      };
    }
    this.camera = new Camera(root, (shot) => this.take([shot]));
    this.buttons.picture.onclick = this.buttons.upload.onclick = () => file.click();
    this.buttons.open.onclick = () => (Lens.isAllowed() ? this.say(this.camera.open()) : capture.click());
    this.buttons.turn.onclick = () => this.say(this.camera.change());
    this.listenToPage();
  }

  listenToPage() {
    this.listeners = new AbortController();
    const listen = (kind, handle) =>
      document.addEventListener(kind, handle, { signal: this.listeners.signal });
    listen("dragenter", (event) => this.drag(event));
    listen("dragover", (event) => this.drag(event));
    listen("drop", (event) => this.drop(event));
    listen("paste", (event) => this.paste(event));
  }

  draw(page) {
    this.page = page;
    const { picture, alt, words } = page.data;
    this.post.draw(page);
    if (!this.post.sent && !this.isPacking) this.bar.ariaBusy = "false";
    this.image.hidden = !picture;
    this.noImage.toggleAttribute("hidden", Boolean(picture));
    if (picture) this.image.src = picture;
    this.image.alt = alt;
    this.bar.ariaLabel = words.bar;
    this.buttons.picture.ariaLabel = `${alt}. ${words.replace}`;
    for (const name of ["upload", "open", "shutter", "turn", "close"]) {
      this.buttons[name].ariaLabel = this.buttons[name].title = words[name];
    }
    for (const name of ["upload", "open"]) {
      this.buttons[name].querySelector("span").textContent = words[name];
    }
    this.overlay.textContent = words.drop;
    this.camera.dialog.ariaLabel = words.open;
    this.bar.style.visibility = ""; // now its buttons have names
  }

  // -- where photographs come from

  drag(event) {
    const isOurs = holdsFiles(event) && !isInZone(event);
    clearTimeout(this.dragged);
    if (isOurs) {
      event.preventDefault(); // or nothing can be dropped
      event.dataTransfer.dropEffect = "copy";
      this.dragged = setTimeout(() => this.overlay.togglePopover(false), DRAGGED_MS);
    }
    this.overlay.togglePopover(isOurs);
  }

  drop(event) {
    clearTimeout(this.dragged);
    this.overlay.togglePopover(false);
    // while pages change there may be two of these for a moment
    if (!holdsFiles(event) || isInZone(event) || event.isTaken) return;
    event.isTaken = true;
    event.preventDefault();
    this.take([...event.dataTransfer.files]);
  }

  paste(event) {
    if (event.isTaken || event.composedPath()[0].closest?.(TEXT_FIELD)) return;
    const files = [...(event.clipboardData?.files ?? [])];
    const pictures = files.filter((file) => file.type.startsWith("image/"));
    if (!pictures.length) return;
    event.isTaken = true;
    event.preventDefault();
    this.take(pictures);
  }

  /** Show why the camera did not open, if it did not. */
  async say(opening) {
    this.note.textContent = "";
    try {
      await opening;
    } catch (error) {
      const { problems } = this.page.data.words;
      this.note.textContent = problems[error.name] ?? problems.other;
    }
  }

  // -- from a file to the lab

  async take(files) {
    if (!files.length) return;
    const choice = (this.choices += 1); // a later one takes the place of this
    const { words, limits } = this.page.data;
    this.post.rest();
    this.note.textContent = "";
    this.bar.ariaBusy = "true";
    this.isPacking = true;
    let data;
    let note = "";
    try {
      const file = await firstPicture(files);
      if (files.length > 1) note = words.first;
      data = await base64(await packed(file, limits));
    } catch (error) {
      note = words[error instanceof Refused ? error.message : "wrong"];
    }
    if (choice !== this.choices || this.isGone) return;
    this.isPacking = false;
    this.note.textContent = note;
    if (data) this.post.send({ number: this.post.number(), data });
    else this.bar.ariaBusy = "false";
  }

  lose() {
    this.note.textContent = this.page.data.words.lost;
    this.bar.ariaBusy = "false";
  }

  leave() {
    this.isGone = true;
    this.post.rest();
    this.listeners.abort();
    clearTimeout(this.dragged);
    this.camera.dialog.close();
    this.camera.stop();
  }
}

class Camera {
  constructor(root, onShot) {
    this.dialog = root.querySelector("dialog");
    this.video = root.querySelector("video");
    this.shutter = root.querySelector(".shutter");
    this.lens = new Lens(this.video, root.querySelector(".turn"), () => this.dialog.close());
    this.onShot = onShot;
    this.dialog.onclose = () => this.stop();
    this.video.onloadeddata = () => (this.shutter.disabled = false);
    this.shutter.onclick = () => this.shoot();
    root.querySelector(".close").onclick = () => this.dialog.close();
  }

  async open() {
    if ((await this.lens.open()) && !this.dialog.open) this.dialog.showModal();
  }

  async change() {
    this.shutter.disabled = true;
    try {
      await this.lens.change();
    } catch (error) {
      this.dialog.close();
      throw error;
    }
  }

  async shoot() {
    const { videoWidth, videoHeight } = this.video;
    const shot = shrunk(this.video, videoWidth, videoHeight);
    this.dialog.close();
    this.onShot(await shot);
  }

  stop() {
    this.shutter.disabled = true;
    this.lens.stop();
  }
}

function isInZone(event) {
  return event.composedPath().some((node) => node.matches?.(ZONE));
}

/** The first file that is a picture. */
async function firstPicture(files) {
  for (const file of files) {
    if (await isPicture(file)) return file;
  }
  throw new Refused(files.every((file) => !file.size) ? "empty" : "wrong");
}

export default (page) => mount(page, (root) => new PhotoInput(root));
