const SAY_EVERY_MS = 2_000;
const CALM = matchMedia("(prefers-reduced-motion: reduce)");
const CALM_MS = 1_000; // between two drawings, where motion is not wished
const TOP = 5;
const DIGITS = 9;
const NEAR_MS = 700; // for which one example stays
const FIXED_MS = 2_500; // for which it is said that a picture was put into a class

class Answers {
  constructor(root) {
    this.title = root.querySelector("h3");
    this.fix = root.querySelector(".fix");
    this.bars = root.querySelector(".bars");
    this.hint = root.querySelector(".hint");
    this.near = root.querySelector(".near");
    this.said = root.querySelector(".said");
    this.rows = [...Array(TOP + 1)].map(() => this.row()); // and the class that stays
    this.listeners = new AbortController();
    addEventListener("live-answer", (event) => this.hear(event.detail), this.listeners);
    addEventListener("keydown", (event) => this.onKey(event), { signal: this.listeners.signal, capture: true });
    // what is about to be pressed does not change its place
    for (const [kind, isHeld] of [["pointerenter", true], ["focusin", true], ["pointerleave", false], ["focusout", false]]) {
      this.bars.addEventListener(kind, (event) => (this.isHeld = isHeld && event.pointerType !== "touch"));
    }
  }

  row() {
    const button = document.createElement("button");
    button.type = "button";
    button.hidden = true;
    const [name, share, bar, inner] = ["span", "span", "span", "i"].map((tag) => document.createElement(tag));
    [name.className, share.className, bar.className] = ["name", "share", "bar"];
    bar.append(inner);
    button.append(name, share, bar);
    button.onpointerdown = () => (this.pressed = button.index); // as it was under the finger
    button.onclick = () => {
      const index = this.pressed ?? button.index;
      this.pressed = undefined;
      dispatchEvent(new CustomEvent("live-choice", { detail: index === this.chosen ? null : index }));
    };
    this.bars.append(button);
    return { button, name, share, inner };
  }

  draw(page) {
    this.data = page.data;
    this.bars.ariaLabel = this.data.words.bars;
    this.drawFixes();
    if (!this.heard) this.hint.textContent = this.data.words.hint;
    this.title.hidden = this.data.is_titled; // by the camera's own picture
    if (!this.title.textContent) this.title.textContent = this.data.words.waiting;
  }

  /** A button for each class that the picture may be put into. */
  drawFixes() {
    const { fixes, words } = this.data;
    this.fix.hidden = !fixes.length;
    if (this.fix.dataset.names === JSON.stringify(fixes)) return;
    this.fix.dataset.names = JSON.stringify(fixes);
    this.fix.ariaLabel = words.fix;
    const label = document.createElement("span");
    label.textContent = words.fix;
    const buttons = fixes.map((name, index) => {
      const button = document.createElement("button");
      button.type = "button";
      if (index < DIGITS) button.append(Object.assign(document.createElement("kbd"), { textContent: index + 1 }));
      button.append(name);
      button.onclick = () => this.correct(index);
      return button;
    });
    this.fix.replaceChildren(label, ...buttons);
  }

  onKey(event) {
    const index = Number(event.key) - 1;
    if (!/^[1-9]$/.test(event.key) || index >= (this.data?.fixes.length ?? 0) || !isPlain(event)) return;
    event.preventDefault();
    this.correct(index);
  }

  correct(index) {
    const { fixes, words } = this.data;
    dispatchEvent(new CustomEvent("live-correct", { detail: index }));
    this.fix.firstChild.textContent = words.fixed.replace("{label}", fixes[index]);
    this.said.textContent = this.fix.firstChild.textContent;
    clearTimeout(this.fixing);
    this.fixing = setTimeout(() => (this.fix.firstChild.textContent = words.fix), FIXED_MS);
  }

  /** The photograph that it was taught with which lies nearest, where the page has it. */
  showNearest(key, now) {
    const url = this.data.examples[key];
    if (now < this.nearAt + NEAR_MS && url) return; // or it flickers
    this.nearAt = now;
    this.near.hidden = !url;
    if (!url) return;
    const [image, words] = this.near.children;
    image.src = url;
    words.textContent = this.data.words.near;
  }

  hear({ answers, shown, chosen, p_value, nearest }) {
    const now = performance.now();
    if (CALM.matches && now < this.drawnAt + CALM_MS) return;
    this.drawnAt = now;
    const { words, classes } = this.data;
    this.chosen = chosen;
    const known = new Map([...answers, shown]);
    const stays = chosen !== null && shown[0] === chosen && !answers.some(([index]) => index === chosen);
    const bestNow = [...known.keys()].slice(0, answers.length + (stays ? 1 : 0));
    const indices = this.isHeld ? this.rows.map(({ button }) => button.hidden ? undefined : button.index) : bestNow;
    this.rows.forEach((row, place) => this.fill(row, indices[place], known, answers.at(-1)[1]));
    const [best, second] = answers.map(([index]) => classes[index] ?? "");
    const isNone = typeof p_value === "number" && p_value <= this.data.none_share;
    const isUnsure = answers.length > 1 && answers[0][1] - answers[1][1] < this.data.unsure_lead;
    const form = isNone ? words.none : isUnsure ? words.unsure : words.says;
    const title = form.replace("{label}", best).replace("{second}", second);
    this.bars.classList.toggle("none", isNone);
    this.showNearest(nearest, now);
    this.hint.textContent = isNone ? words.softmax.replace("{label}", best) : isUnsure ? words.more : words.hint;
    this.title.textContent = title;
    dispatchEvent(new CustomEvent("live-title", { detail: title }));
    if (now > (this.saidAt ?? -Infinity) + SAY_EVERY_MS && title !== this.heard) {
      [this.heard, this.saidAt] = [title, now];
      const share = isNone ? "" : `, ${percent(answers[0][1], this.data.language)}`;
      this.said.textContent = title + share;
    }
  }

  leave() {
    this.listeners.abort();
  }

  fill({ button, name, share, inner }, index, known, least) {
    button.hidden = index === undefined;
    if (button.hidden) return;
    const probability = known.get(index) ?? least;
    button.index = index;
    button.ariaPressed = String(index === this.chosen);
    name.textContent = this.data.classes[index] ?? "";
    share.textContent = `${known.has(index) ? "" : "< "}${percent(probability, this.data.language)}`;
    inner.style.width = known.has(index) ? `${100 * probability}%` : 0;
  }
}

function percent(share, language) {
  const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  return `${(100 * share).toLocaleString(language, digits)}\u00a0%`;
}

export default (page) => mount(page, (root) => new Answers(root));
