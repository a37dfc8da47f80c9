const LONG_SIDE = 1600; // pixels; larger photographs are made smaller here
const QUALITY = 0.9;
const AGAIN_MS = 10_000; // a run of the page that was broken off has not taken what was sent
const MOST_TRIES = 3;
const DRAGGED_MS = 500; // a browser tells of dragged files more often while they are over the page
const ZONE = "[data-testid=stFileUploaderDropzone]"; // of Streamlit's own uploaders
const TEXT_FIELD =
  "input:not([type=checkbox], [type=radio], [type=range], [type=file]), textarea, [contenteditable]";
// How the files begin that the lab reads: JPEG, PNG, GIF, BMP, WebP, HEIC
const READ =
  /^(\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8|BM|RIFF[^]{4}WEBP|[^]{4}ftyp(hei|hev|mif1))/;
// and those that only some browsers do: AVIF, TIFF
const DECODED_HERE = /^([^]{4}ftyp(avif|avis|msf1)|II\*\0|MM\0\*)/;

/** Why a file is not taken: the name of a sentence among the page's words. */
class Refused extends Error {}

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
    this.last = 0;
    this.choices = 0;
    const [file, capture] = [root.querySelector(".file"), root.querySelector(".capture")];
    for (const input of [file, capture]) {
      input.onchange = () => {
        this.take([...input.files]);
        input.value = ""; // or the same file again would be no change
      };
    }
    this.camera = new Camera(root, (shot) => this.take([shot]));
    this.buttons.picture.onclick = this.buttons.upload.onclick = () => file.click();
    this.buttons.open.onclick = () => (Camera.isAllowed() ? this.openCamera() : capture.click());
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
    const { picture, alt, taken, words } = page.data;
    this.last = Math.max(this.last, taken);
    if (this.sent && taken >= this.sent.number) this.rest();
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

  openCamera() {
    const isHandheld = matchMedia("(pointer: coarse)").matches;
    this.say(this.camera.open({ facingMode: isHandheld ? "environment" : "user" }));
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
    this.rest();
    this.note.textContent = "";
    this.bar.ariaBusy = "true";
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
    this.note.textContent = note;
    if (!data) return this.rest();
    this.last = Math.max(this.last + 1, Date.now());
    this.sent = { number: this.last, data };
    this.send(1);
  }

  /** Send, and send again after a while, until the page says that it has taken it. */
  send(tries) {
    if (tries > MOST_TRIES) {
      this.note.textContent = this.page.data.words.lost;
      return this.rest();
    }
    this.page.setTriggerValue("sent", this.sent);
    this.again = setTimeout(() => this.send(tries + 1), tries * AGAIN_MS);
  }

  rest() {
    clearTimeout(this.again);
    this.sent = null;
    this.bar.ariaBusy = "false";
  }

  leave() {
    this.isGone = true;
    this.rest();
    this.listeners.abort();
    clearTimeout(this.dragged);
    this.camera.dialog.close();
    this.camera.stop();
  }
}

class Camera {
  static isAllowed() {
    // over plain http there are no devices, or what Streamlit's own camera puts there instead
    return isSecureContext && Boolean(navigator.mediaDevices?.enumerateDevices);
  }

  constructor(root, onShot) {
    this.dialog = root.querySelector("dialog");
    this.video = root.querySelector("video");
    this.shutter = root.querySelector(".shutter");
    this.changer = root.querySelector(".turn");
    this.onShot = onShot;
    this.dialog.onclose = () => this.stop();
    this.video.onloadeddata = () => (this.shutter.disabled = false);
    this.shutter.onclick = () => this.shoot();
    root.querySelector(".close").onclick = () => this.dialog.close();
  }

  async open(which) {
    const asked = (this.asked = {}); // whoever closes or asks anew wants no earlier stream
    const size = { width: { ideal: 1920 }, height: { ideal: 1080 } };
    const stream = await navigator.mediaDevices.getUserMedia({ video: { ...size, ...which } });
    const devices = await navigator.mediaDevices.enumerateDevices();
    if (asked !== this.asked) return stopTracks(stream);
    this.devices = devices.filter((device) => device.kind === "videoinput");
    this.changer.hidden = this.devices.length < 2;
    this.stream = this.video.srcObject = stream;
    stream.getTracks().forEach((track) => (track.onended = () => this.dialog.close()));
    if (!this.dialog.open) this.dialog.showModal();
  }

  /** Open the camera on the other side, or the next one where they have no sides. */
  async change() {
    const { facingMode, deviceId } = this.stream.getVideoTracks()[0].getSettings();
    const place = this.devices.findIndex((device) => device.deviceId === deviceId);
    const next = this.devices[(place + 1) % this.devices.length];
    this.stop();
    try {
      if (!facingMode) await this.open({ deviceId: { exact: next.deviceId } });
      else await this.open({ facingMode: facingMode === "user" ? "environment" : "user" });
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
    this.asked = null;
    this.shutter.disabled = true;
    if (this.stream) stopTracks(this.stream);
    this.stream = this.video.srcObject = null;
  }
}

function stopTracks(stream) {
  stream.getTracks().forEach((track) => track.stop());
}

function holdsFiles(event) {
  return Boolean(event.dataTransfer?.types.includes("Files"));
}

function isInZone(event) {
  return event.composedPath().some((node) => node.matches?.(ZONE));
}

async function begins(file) {
  return String.fromCharCode(...new Uint8Array(await file.slice(0, 16).arrayBuffer()));
}

/** The first file that begins as a picture does, whatever its name says. */
async function firstPicture(files) {
  for (const file of files) {
    const start = await begins(file).catch(() => ""); // a folder cannot be read
    if (READ.test(start) || DECODED_HERE.test(start)) return file;
  }
  throw new Refused(files.every((file) => !file.size) ? "empty" : "wrong");
}

/** What travels: the file itself where it is small and the lab reads it, else a smaller JPEG. */
async function packed(file, limits) {
  if (file.size > limits.decoded) throw new Refused("large");
  const options = { imageOrientation: "from-image" };
  const picture = await createImageBitmap(file, options).catch(() => null);
  if (picture) {
    const { width, height } = picture;
    if (Math.max(width, height) > LONG_SIDE || !READ.test(await begins(file))) {
      return shrunk(picture, width, height);
    }
    picture.close();
  }
  if (file.size > limits.as_it_is) throw new Refused("large_as_it_is");
  return file;
}

/** A JPEG whose longest side fits; transparent parts become white, as the lab makes them too. */
function shrunk(source, width, height) {
  const scale = Math.min(1, LONG_SIDE / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(scale * width));
  canvas.height = Math.max(1, Math.round(scale * height));
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  source.close?.();
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
}

function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

const inputs = new WeakMap();

export default function (page) {
  const root = page.parentElement;
  if (!inputs.has(root)) inputs.set(root, new PhotoInput(root));
  const input = inputs.get(root);
  input.draw(page);
  return () => input.leave();
}
