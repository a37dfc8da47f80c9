const START = ".st-key-start button:enabled, .st-key-ready_set button:enabled";
const FOCUSABLE =
  "a[href], button:enabled, input:enabled, textarea:enabled, [tabindex]:not([tabindex='-1'])";
const WAIT_MS = 5000; // for a Start that is not drawn yet
const SETTLE_MS = 1000; // in which a page draws what takes the place of a button

let focused; // what had the focus last
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

function isLost() {
  const { activeElement, body } = document;
  return focused && !focused.isConnected && (!activeElement || activeElement === body);
}

function onFocus(event) {
  [focused, around] = [event.target, keysAround(event.target)];
}

function look() {
  const start = document.querySelector(START);
  if (start && Date.now() - window.startWantedAt < WAIT_MS) {
    window.startWantedAt = 0; // set by keys_early.js
    start.click();
  }
  if (!isLost() || !around.length) return;
  const lost = focused;
  if (focusIn(successor(around[0])) || lost.isAwaited) return;
  lost.isAwaited = true;
  setTimeout(() => focused === lost && isLost() && around.slice(1).some(focusIn), SETTLE_MS);
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
  if (document.body.firstElementChild !== skip) document.body.prepend(skip);
  addEventListener("focusin", onFocus); // once, however often it is added
  watcher.observe(document.querySelector("[data-testid=stApp]"), {
    childList: true,
    subtree: true,
    attributeFilter: ["disabled"],
  });
}
