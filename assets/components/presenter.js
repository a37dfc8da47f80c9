const STEPS = { PageDown: 1, ArrowRight: 1, PageUp: -1, ArrowLeft: -1 };
const PARTS = "[data-testid=stMainBlockContainer] > [data-testid=stVerticalBlock] > *";
const HEADING = ":has(> [data-testid=stHeading] :is(h2, h3))";
// What has the focus there uses these keys itself
const TAKES_ALL =
  "input:not([type=checkbox], [type=radio], [type=range]), textarea, select, " +
  "[contenteditable=true], [role=combobox], [role=listbox], [role=grid], [role=dialog], dialog";
const TAKES_ARROWS =
  "[type=radio], [type=range], [role=radio], [role=slider], [role=tab], [role=menu] *";
const TAKES_ESCAPE = "[role=dialog], [role=listbox], dialog[open]"; // while it is open
const WIDE = matchMedia("(min-width: 56rem)"); // as in presenter.css
const STRIDE = 0.75; // of the window, through a screen that is longer
const SLACK = 0.1; // of the window, which may be hidden below before that is worth a stride

let page; // of the lab, that is shown
let screen = 0; // of that page
let hiding, button, send; // of the newest drawing

// A heading begins a screen, and so does what comes after the stage
function starts() {
  const found = [0];
  [...document.querySelectorAll(PARTS)].forEach((part, i, parts) => {
    const isAfterStage = parts[i - 1]?.matches(":has(> .st-key-stage)");
    const isAfterSwitch = parts[i - 1]?.matches(".st-key-code") && found.at(-1) === i - 1;
    if (isAfterStage || (part.matches(HEADING) && !isAfterSwitch)) found.push(i);
  });
  return found;
}

// By a rule about places: whatever React draws anew there obeys it
function draw() {
  const found = starts();
  screen = Math.min(screen, found.length - 1);
  const [from, to] = [found[screen] + 1, found[screen + 1] ?? "infinity"];
  const upTo = to === "infinity" ? "" : `:nth-child(-n + ${to})`;
  const others = `${PARTS}:not(:nth-child(n + ${from})${upTo}, :has(> .st-key-page_head))`;
  const rule = WIDE.matches ? `${others} {display: none}` : "";
  if (hiding.textContent !== rule) hiding.textContent = rule;
  button.hidden = !document.querySelector(".st-key-rail");
}

function turn(step) {
  const main = document.querySelector("[data-testid=stMain]");
  const { scrollTop, scrollHeight, clientHeight } = main;
  const rest = step > 0 ? scrollHeight - clientHeight - scrollTop : scrollTop;
  if (rest > SLACK * clientHeight) {
    main.scrollBy({ top: step * STRIDE * clientHeight, behavior: "instant" });
  } else if (screen + step in starts()) {
    screen += step;
    draw();
    main.scrollTo({ top: 0, behavior: "instant" });
  } else {
    send("turned", step);
  }
}

function call(isShown) {
  button.setAttribute("aria-expanded", isShown);
}

function isShown() {
  return button.getAttribute("aria-expanded") === "true";
}

function onKey(event) {
  const { key, altKey, ctrlKey, metaKey, shiftKey } = event;
  const focused = event.composedPath()[0];
  if (altKey || ctrlKey || metaKey || shiftKey || !WIDE.matches) return;
  if (key === "Escape") {
    if (isShown() && !document.querySelector(TAKES_ESCAPE)) call(false);
    return;
  }
  if (focused.closest?.(TAKES_ALL)) return;
  if (key.startsWith("Arrow") && focused.closest?.(TAKES_ARROWS)) return;
  if (key in STEPS) {
    if (!event.repeat) turn(STEPS[key]);
  } else if (key.toLowerCase() === "c" && !button.hidden) {
    call(!isShown());
  } else {
    return;
  }
  event.preventDefault();
  event.stopImmediatePropagation(); // Streamlit has keys of its own
}

const watcher = new MutationObserver(draw);

export default function ({ data, parentElement, setTriggerValue }) {
  hiding = parentElement.querySelector("style");
  button = parentElement.querySelector("button");
  send = setTriggerValue;
  button.textContent = data.label;
  button.onclick = () => call(!isShown());
  if (page !== data.page) {
    [page, screen] = [data.page, 0];
    call(false);
  }
  draw();
  addEventListener("keydown", onKey, true); // once, however often it is added
  WIDE.addEventListener("change", draw);
  watcher.observe(document.querySelector("[data-testid=stMain]"), {
    childList: true,
    subtree: true,
  });
  return () => {
    removeEventListener("keydown", onKey, true);
    WIDE.removeEventListener("change", draw);
    watcher.disconnect();
    page = undefined;
  };
}
