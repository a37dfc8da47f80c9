const QUALITY_LIVE = 0.95; // with less, the answer is another than that of the frozen picture
const LEAST_MS = 1000 / 30; // between two frames
const PATIENCE_MS = 10_000; // for an answer; then the socket is opened anew
const OPEN_MS = 4_000; // for the socket
const TRIES = 2; // to open it, where it never was open
const RATE_MS = 2_000; // over which answers are counted
const SLOW = 4; // answers a second, below which others are named as the reason
const NEVER_AGAIN = { 4000: "over", 4001: "elsewhere", 4002: "faulty" };
const FULL = "data-full"; // on the page's root: its rules then give the camera the whole screen

/** A websocket of the lab's own: what goes there comes back answered. */
class Socket {
  static hasOpened = false; // once in this tab: then it is not blocked

  constructor(url, { hello, onAnswer, onEnd }) {
    Object.assign(this, { url, hello, onAnswer, onEnd });
    this.tries = 0;
    this.open();
  }

  open() {
    this.socket = new WebSocket(this.url);
    this.deadline = setTimeout(() => this.socket.close(), OPEN_MS);
    this.socket.onopen = () => {
      clearTimeout(this.deadline);
      [Socket.hasOpened, this.tries] = [true, 0];
      this.greet();
      this.onAnswer(null);
    };
    this.socket.onmessage = (event) => this.onAnswer(JSON.parse(event.data));
    this.socket.onclose = (event) => this.again(event.code);
  }

  again(code) {
    clearTimeout(this.deadline);
    if (this.isLeft) return;
    this.tries += 1;
    const isBlocked = !Socket.hasOpened && this.tries >= TRIES;
    const reason = NEVER_AGAIN[code] ?? (isBlocked ? "blocked" : "lost");
    this.onEnd(reason);
    if (reason === "lost") this.waiting = setTimeout(() => this.open(), 500 * 2 ** Math.min(this.tries, 4));
  }

  get isReady() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  greet() {
    if (this.isReady) this.socket.send(JSON.stringify(this.hello()));
  }

  send(frame) {
    this.socket.send(frame);
  }

  retry() {
    this.socket.close();
  }

  leave() {
    this.isLeft = true;
    clearTimeout(this.waiting);
    clearTimeout(this.deadline);
    this.socket.close();
  }
}

const target = { chosen: null }; // the class of the map; none: the likeliest

class Live {
  constructor(root) {
    this.view = root.querySelector(".view");
    this.video = root.querySelector("video");
    this.canvas = root.querySelector("canvas");
    for (const part of ["problem", "pace", "freeze", "heat", "turn", "full", "name"]) {
      this[part] = root.querySelector(`.${part}`);
    }
    this.seen = document.createElement("canvas");
    this.times = [];
    this.lens = new Lens(this.video, this.turn, () => this.say("unplugged"));
    this.post = new Post(() => this.lose());
    this.view.onclick = () => (this.isFrozen ? null : this.lens.stream ? this.take() : this.start());
    this.freeze.onclick = () => this.take();
    this.turn.onclick = () => this.show(() => this.lens.change());
    this.heat.onclick = () => this.toggleHeat();
    this.full.onclick = () => this.showFull(this.full.ariaPressed !== "true");
    this.video.onloadeddata = () => this.begin();
    this.listeners = new AbortController();
    const { signal } = this.listeners;
    document.addEventListener("visibilitychange", () => this.look(), { signal });
    addEventListener("keydown", (event) => this.onKey(event), { signal, capture: true });
    addEventListener(AIMS, (event) => event.detail !== this && this.giveWay(), { signal });
    addEventListener(RESTS, () => this.hasGivenWay && this.start(), { signal });
    addEventListener("pane-opened", () => this.look(), { signal });
    document.addEventListener("fullscreenchange", () => !document.fullscreenElement && this.showFull(false), { signal });
    addEventListener("live-title", (event) => (this.name.textContent = event.detail), { signal });
    addEventListener("live-choice", (event) => this.choose(event.detail), { signal });
    addEventListener("live-correct", (event) => this.correct(event.detail), { signal });
  }

  draw(page) {
    const isFirst = !this.page;
    const before = this.page?.data.backbone;
    const isAnew = this.page?.data.token !== page.data.token; // after the server began again
    this.page = page;
    const { data } = page;
    this.post.draw(page);
    this.view.style.setProperty("--seen", `${(100 * data.resize) / data.side}%`);
    this.view.ariaLabel = data.words.view;
    const hasKeys = matchMedia("(pointer: fine)").matches;
    this.view.title = this.freeze.textContent = hasKeys ? data.words.freeze : data.words.freeze_it;
    this.turn.textContent = data.words.turn;
    this.heat.textContent = data.words.heat;
    this.full.textContent = data.words.full;
    this.full.hidden = this.name.hidden = !data.is_titled; // there others read along
    this.heat.disabled = !data.has_map;
    if (!data.has_map) this.erase();
    if (before !== data.backbone) target.chosen = null;
    if (isFirst || (isAnew && !this.socket)) this.start();
    else this.socket?.greet();
  }

  // -- the camera

  get isSeen() {
    return !document.hidden && this.view.checkVisibility();
  }

  start() {
    if (this.isSeen) this.show(() => this.lens.open());
  }

  /** Another camera of the page was opened. */
  giveWay() {
    if (!this.lens.stream) return;
    this.say("box");
    this.hasGivenWay = true;
  }

  async show(open) {
    this.hasGivenWay = false;
    dispatchEvent(new CustomEvent(AIMS, { detail: this }));
    this.problem.textContent = "";
    this.view.disabled = this.freeze.disabled = true;
    try {
      if (!Lens.isAllowed()) throw new DOMException("", "NotSupportedError");
      if (!(await open())) return;
    } catch (error) {
      this.say(error.name);
      return;
    }
    const side = this.lens.stream.getVideoTracks()[0].getSettings().facingMode;
    this.view.classList.toggle("mirrored", side !== "environment");
  }

  /** Say what is wrong with the camera or its connection; a click on the picture tries again. */
  say(reason) {
    const { problems } = this.page.data.words;
    this.problem.textContent = problems[reason] ?? problems.other;
    this.pace.textContent = "";
    this.lens.stop();
    this.erase();
    this.view.disabled = false;
    this.freeze.disabled = true;
    this.view.ariaLabel = this.page.data.words.again;
  }

  look() {
    if (!this.isSeen) {
      this.lens.stop(); // its light goes off
      this.socket?.leave();
      this.socket = null;
      this.showFull(false);
    } else if (!this.isFrozen && !this.lens.stream) {
      this.start();
    }
  }

  begin() {
    this.view.disabled = this.freeze.disabled = false;
    this.view.ariaLabel = this.page.data.words.view;
    if (!this.socket) this.connect();
    else this.next();
  }

  // -- the frames

  connect() {
    const { data } = this.page;
    const base = location.pathname.slice(0, location.pathname.lastIndexOf("/") + 1);
    const url = new URL(`${base}${data.path}`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.search = url.hash = "";
    this.isWaiting = false;
    this.socket = new Socket(url, {
      hello: () => {
        const { token, backbone, language } = this.page.data;
        return { token, backbone, language, target: target.chosen };
      },
      onAnswer: (answer) => this.hear(answer),
      onEnd: (reason) => this.lostSocket(reason),
    });
  }

  lostSocket(reason) {
    this.isWaiting = false;
    this.times = [];
    if (reason === "lost") {
      this.pace.textContent = this.page.data.words.lost;
    } else {
      this.socket.leave();
      this.socket = null;
      this.say(reason);
    }
  }

  async next() {
    clearTimeout(this.timer);
    const { socket, video } = this;
    const isBusy = this.isWaiting || this.isFrozen;
    if (isBusy || !socket?.isReady || !this.lens.stream || !video.videoWidth) return;
    this.isWaiting = true;
    const takenAt = performance.now();
    this.timer = setTimeout(() => this.giveUp(), PATIENCE_MS);
    const frame = await this.frame();
    if (socket !== this.socket || !socket.isReady) {
      this.isWaiting = false;
      return;
    }
    this.takenAt = takenAt;
    socket.send(frame);
  }

  giveUp() {
    this.isWaiting = false;
    this.socket?.retry();
  }

  /** A JPEG of the square that the network sees. */
  frame() {
    const { side } = this.page.data;
    this.seen.width = this.seen.height = side;
    const context = this.seen.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(this.video, ...this.crop(), 0, 0, side, side);
    return new Promise((resolve) => this.seen.toBlob(resolve, "image/jpeg", QUALITY_LIVE));
  }

  /** Left, top, width and height of that square, as crop_box of tl_core/images/photo.py has it. */
  crop() {
    const { side, resize } = this.page.data;
    const sizes = [this.video.videoWidth, this.video.videoHeight];
    const scaled = sizes.map((size) => Math.trunc((resize * size) / Math.min(...sizes)));
    const scales = sizes.map((size, axis) => size / scaled[axis]);
    const starts = scaled.map((size, axis) => halfEven(size - side) * scales[axis]);
    return [...starts, ...scales.map((scale) => side * scale)];
  }

  /** Show an answer; ``null`` says that the socket is open. */
  hear(answer) {
    clearTimeout(this.timer);
    this.isWaiting = false;
    if (this.isFrozen || !this.lens.stream) return; // what is said of the camera stays
    if (answer?.answers) {
      this.problem.textContent = "";
      const now = performance.now();
      this.times = [...this.times.filter((time) => time > now - RATE_MS), now];
      this.paint(answer);
      this.tellPace(now - this.takenAt, answer.others ?? 0);
      dispatchEvent(new CustomEvent("live-answer", { detail: { ...answer, chosen: target.chosen } }));
    } else if (answer?.problem) {
      this.problem.textContent = answer.problem;
    }
    const rest = this.takenAt + LEAST_MS - performance.now();
    setTimeout(() => this.next(), answer?.problem ? 1000 : Math.max(rest || 0, 0));
  }

  tellPace(age, others) {
    const { words } = this.page.data;
    const span = (this.times.at(-1) - this.times[0]) / 1000;
    const rate = span > 0 ? (this.times.length - 1) / span : 0;
    if (performance.now() < this.toldAt + 500) return; // or nobody could read it
    this.toldAt = performance.now();
    const shown = rate < 10 ? rate.toFixed(1) : rate.toFixed(0);
    const pace = words.pace.replace("{rate}", shown).replace("{ms}", 10 * Math.ceil(age / 10));
    const othersSaid = words.others.replace("{count}", others);
    const because = rate < SLOW && others ? othersSaid : "";
    this.pace.textContent = [pace, because].filter(Boolean).join(" ");
  }

  // -- the map

  toggleHeat() {
    const isOn = this.heat.ariaPressed !== "true";
    this.heat.ariaPressed = isOn;
    if (!isOn) this.erase();
  }

  erase() {
    this.canvas.width = this.canvas.height = 1;
    this.video.style.setProperty("--grey", 0);
  }

  paint({ heat, side }) {
    const { strength, colours } = this.page.data;
    if (!heat || this.heat.ariaPressed !== "true") return;
    const levels = Uint8Array.from(atob(heat), (letter) => letter.charCodeAt(0));
    const size = 112;
    if (this.canvas.width !== size) this.canvas.width = this.canvas.height = size;
    const context = this.canvas.getContext("2d");
    const picture = context.createImageData(size, size);
    for (let y = 0, at = 0; y < size; y += 1) {
      for (let x = 0; x < size; x += 1, at += 4) {
        const level = between(levels, side, ((x + 0.5) * side) / size - 0.5, ((y + 0.5) * side) / size - 0.5);
        const [red, green, blue, cover] = colours[Math.round((level * (colours.length - 1)) / 255)];
        picture.data.set([red, green, blue, 255 * strength * cover], at);
      }
    }
    context.putImageData(picture, 0, 0);
    this.video.style.setProperty("--grey", 0.8 * strength);
  }

  choose(index) {
    target.chosen = index;
    this.socket?.greet();
  }

  // -- the whole screen

  showFull(isFull) {
    const root = document.documentElement;
    if (isFull === root.hasAttribute(FULL)) return;
    this.full.ariaPressed = String(isFull);
    root.toggleAttribute(FULL, isFull);
    if (isFull) root.requestFullscreen?.().catch(() => {}); // a phone may have none: the window then
    else if (document.fullscreenElement) document.exitFullscreen();
  }

  // -- the photograph

  onKey(event) {
    if (event.key === "Escape") this.showFull(false);
    if (event.key.toLowerCase() !== "f" || !isPlain(event) || this.freeze.disabled) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.take();
  }

  async take() {
    if (this.isFrozen || this.freeze.disabled) return;
    const { videoWidth, videoHeight } = this.video;
    const shot = shrunk(this.video, videoWidth, videoHeight);
    this.isFrozen = true;
    this.freeze.disabled = true;
    this.video.pause();
    this.pace.textContent = "";
    this.post.send({ number: this.post.number(), data: await base64(await shot) });
  }

  /** Send the picture as it is now, for the class of that number; the camera goes on. */
  async correct(label) {
    if (this.isFrozen || this.freeze.disabled || this.post.sent) return;
    const shot = shrunk(this.video, this.video.videoWidth, this.video.videoHeight);
    this.post.send({ number: this.post.number(), data: await base64(await shot), label });
  }

  lose() {
    this.isFrozen = false;
    this.say("photograph");
  }

  leave() {
    this.showFull(false);
    this.listeners.abort();
    clearTimeout(this.timer);
    this.post.rest();
    this.socket?.leave();
    this.socket = null;
    this.lens.stop();
  }
}

/** Half of a whole number, rounded as Python rounds. */
function halfEven(number) {
  return number % 4 === 1 ? (number - 1) / 2 : Math.round(number / 2);
}

/** The value between the four nearest of a square of values, as a picture is enlarged. */
function between(values, side, x, y) {
  const [left, top] = [Math.max(Math.floor(x), 0), Math.max(Math.floor(y), 0)];
  const [right, bottom] = [Math.min(left + 1, side - 1), Math.min(top + 1, side - 1)];
  const [across, down] = [Math.min(Math.max(x - left, 0), 1), Math.min(Math.max(y - top, 0), 1)];
  const upper = values[top * side + left] * (1 - across) + values[top * side + right] * across;
  const lower = values[bottom * side + left] * (1 - across) + values[bottom * side + right] * across;
  return upper * (1 - down) + lower * down;
}

export default (page) => mount(page, (root) => new Live(root));
