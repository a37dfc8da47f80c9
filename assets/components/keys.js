const START = ".st-key-start button:enabled, .st-key-ready_set button:enabled";
const FOCUSABLE =
  "a[href], button:enabled, input:enabled, textarea:enabled, [tabindex]:not([tabindex='-1'])";
const WAIT_MS = 30000; // for a Start that is not drawn yet
const SETTLE_MS = 1000; // in which a page draws what takes the place of a button

let popover; // that was opened last
let lastKey; // that was pressed, or nothing since the pointer was used
let focused; // what had the focus last
let names = {}; // what Streamlit calls things for screen readers, and what they are called here
let around = []; // the keys of Streamlit's containers around it, innermost first

function keysAround(element) {
  const found = [];
  for (let at = element; at; at = at.parentElement) {
    const key = [...at.classList].find((name) => name.startsWith("st-key-"));
    if (key) found.push(key);
  }
  return found;
}

/** Where the keyboard goes on when a button is gone: Start gives way to Pause, and comes back. */
function successor(key) {
  const [, name, suffix] = key.match(/^st-key-(start|pause|stop|ready_set)(.*)$/) ?? [];
  if (!name) return key;
  return `st-key-${name === "start" ? "pause" : "start"}${suffix}`;
}

function focusIn(key) {
  const found = document.querySelector(`.${CSS.escape(key)}`)?.querySelector(FOCUSABLE);
  found?.focus({ preventScroll: true });
  return document.activeElement === found && found !== undefined;
}

/** Have the focus on words, which a screen reader then says. */
function tell(place) {
  const words = document.querySelector(place);
  if (!words) return false;
  words.tabIndex = -1;
  words.focus({ preventScroll: true });
  return true;
}

/** Where the keyboard goes on when nothing takes a button's place: near it, or to the new page. */
function goOn() {
  const isAnswer = around.includes("st-key-chapter");
  if (isAnswer && tell(".st-key-chapter [data-testid=stMarkdownContainer]")) return;
  if (lastKey === undefined) return; // a pointer's press: a field that took the focus would take keys
  if (!around.slice(1).some(focusIn)) tell("[data-testid=stMain] h1");
}

/** A popover that was opened by a key takes the focus, once there is something in it. */
function enterPopover() {
  const opened = document.querySelector("[data-testid=stPopoverBody]");
  const first = opened?.querySelector(FOCUSABLE);
  if (opened === popover || (opened && !first)) return;
  popover = opened;
  const isByKey = ["Enter", " "].includes(lastKey);
  if (isByKey && document.activeElement?.closest("[data-testid=stPopover]")) first?.focus({ preventScroll: true });
}

function isLost() {
  const { activeElement, body } = document;
  return focused && !focused.isConnected && (!activeElement || activeElement === body);
}

function onKey(event) {
  lastKey = event.key;
}

function onPointer() {
  lastKey = undefined;
}

function onFocus(event) {
  [focused, around] = [event.target, keysAround(event.target)];
}

/** "Help for …" is a label that Streamlit makes of "Help". */
function rename() {
  for (const [english, name] of Object.entries(names)) {
    const label = CSS.escape(english);
    for (const each of document.querySelectorAll(`[aria-label="${label}"]`)) each.ariaLabel = name;
  }
  const help = "Help for ";
  for (const each of document.querySelectorAll(`[aria-label^="${help}"]`))
    each.ariaLabel = `${names.Help}: ${each.ariaLabel.slice(help.length)}`;
}

function look() {
  rename();
  enterPopover();
  const start = document.querySelector(START);
  if (start && Date.now() - window.startWantedAt < WAIT_MS) {
    window.startWantedAt = 0; // set by keys_early.js
    start.click();
  }
  if (!isLost() || !around.length) return;
  const lost = focused;
  if (focusIn(successor(around[0])) || lost.isAwaited) return;
  lost.isAwaited = true;
  setTimeout(() => focused === lost && isLost() && goOn(), SETTLE_MS);
}

function skipTo() {
  const places = [START, `.st-key-stage :is(${FOCUSABLE})`, `[data-testid=stMain] :is(${FOCUSABLE})`];
  places.map((place) => document.querySelector(place)).find(Boolean)?.focus();
}

const watcher = new MutationObserver(look);
const skip = document.createElement("button");
skip.type = "button";
skip.id = "skip";
skip.onclick = skipTo;

export default function ({ data }) {
  skip.textContent = data.skip;
  names = data.names;
  if (document.body.firstElementChild !== skip) document.body.prepend(skip);
  addEventListener("focusin", onFocus); // once, however often it is added
  addEventListener("keydown", onKey, true);
  addEventListener("pointerdown", onPointer, true);
  // the whole page: popovers are outside the app
  watcher.observe(document.body, {
    childList: true,
    subtree: true,
    attributeFilter: ["disabled"],
  });
  look(); // at what was drawn before anybody watched
}
