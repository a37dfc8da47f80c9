const GAP = 6; // pixels between a word and its card
const EDGE = 8; // and between the card and the window

let card; // what is open
let word; // the link that opened it
let page; // what the page that is shown knows

function close() {
  card?.remove();
  card = undefined;
}

function leave() {
  close();
  word?.focus({ preventScroll: true });
}

function button(label, onClick) {
  const made = document.createElement("button");
  [made.textContent, made.onclick] = [label, onClick];
  return made;
}

function line(kind, text) {
  const made = document.createElement(kind);
  made.textContent = text;
  return made;
}

/** Below the word, or above it where there is no room. */
function place() {
  const { left, top, bottom } = word.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = card;
  const { clientWidth, clientHeight } = document.documentElement;
  const fits = bottom + GAP + offsetHeight + EDGE <= clientHeight;
  card.style.top = `${Math.max(EDGE, fits ? bottom + GAP : top - GAP - offsetHeight)}px`;
  card.style.left = `${Math.max(EDGE, Math.min(left, clientWidth - offsetWidth - EDGE))}px`;
}

function open(link, key) {
  close();
  word = link;
  const { terms, glossary, close: words } = page.data;
  const term = terms[key];
  card = document.createElement("div");
  card.className = "term_card";
  card.tabIndex = -1;
  card.setAttribute("role", "dialog");
  card.setAttribute("aria-label", term.name);
  const actions = document.createElement("div");
  const lookUp = () => {
    close();
    page.setTriggerValue("opened", key);
  };
  actions.append(button(glossary, lookUp), button(words, leave));
  card.append(line("strong", term.name), line("small", term.other), line("p", term.says), actions);
  const app = document.querySelector("[data-testid=stApp]");
  card.style.backgroundColor = getComputedStyle(app).backgroundColor; // of the theme
  app.append(card);
  place();
  card.focus({ preventScroll: true });
}

function onClick(event) {
  const link = event.target.closest?.("a[href^='#']");
  const key = link && link.getAttribute("href").slice(1);
  if (key && page.data.terms[key]) {
    event.preventDefault();
    open(link, key);
  } else if (card && !card.contains(event.target)) close();
}

/** The card stays beside its word, and goes with it out of the window. */
function onScroll() {
  if (!card || !word.isConnected) return;
  const { top, bottom } = word.getBoundingClientRect();
  if (bottom < 0 || top > document.documentElement.clientHeight) close();
  else place();
}

/** A term that was clicked too early, once its text is here; the page may have drawn its link anew. */
function openWanted() {
  const wanted = window.termWanted;
  const link = wanted && document.querySelector(`[data-testid=stMarkdownContainer] a[href="${wanted}"]`);
  if (!link || !page.data.terms[wanted.slice(1)]) return;
  window.termWanted = undefined;
  open(link, wanted.slice(1));
}

function onKey(event) {
  if (card && event.key === "Escape") leave();
}

export default function ({ data, setTriggerValue }) {
  if (!page) {
    document.addEventListener("click", onClick);
    document.addEventListener("keydown", onKey);
    document.addEventListener("scroll", onScroll, true);
  } else if (page.data.page !== data.page) close();
  page = { data, setTriggerValue };
  openWanted();
}
