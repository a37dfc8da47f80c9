const STEPS = { PageDown: 1, ArrowRight: 1, PageUp: -1, ArrowLeft: -1 };
const PARTS = "[data-testid=stMainBlockContainer] > [data-testid=stVerticalBlock] > *";
const HEADING = ":has(> [data-testid=stHeading] :is(h2, h3))";
const [PART_OF_PAGE, PART_OF_PART] = ["h2", "h3"].map((h) => `:has(> [data-testid=stHeading] ${h})`);
const BLOCKS = ["LayoutWrapper", "ElementContainer", "Column", "VerticalBlock"]
  .map((name) => `[data-testid=stMain] [data-testid=st${name}]`)
  .join(", ");
const ASKS = ".st-key-rail [class*=st-key-download] button"; // nothing goes on without an answer
// What has the focus there uses these keys itself
const TAKES_ALL =
  "input:not([type=checkbox], [type=radio], [type=range]), textarea, select, " +
  "[contenteditable=true], [role=combobox], [role=listbox], [role=grid], [role=dialog], dialog";
const TAKES_ARROWS =
  "[type=radio], [type=range], [role=radio], [role=slider], [role=tab], [role=menu] *";
const TAKES_ESCAPE = "[role=dialog], [role=listbox], dialog[open]"; // while it is open
const WIDE = matchMedia("(min-width: 56rem)"); // as in presenter.css
const STRIDE = 0.75; // of the window, through a screen that is longer and has no whole part
const SLACK = 0.1; // of the window, which may be hidden below before that is worth a stride

let page; // of the lab, that is shown
let screen = 0; // of that page
let hiding, button, send; // of the newest drawing
let strides = []; // through this screen, to be gone back
let isShown = false; // the controls
let isAsking = false; // for what nothing goes on without
let told; // the height of the window that the server knows

// A heading begins a screen, and so does what comes after the stage
function starts() {
  const found = [0];
  [...document.querySelectorAll(PARTS)].forEach((part, i, parts) => {
    const isAfterStage = parts[i - 1]?.matches(":has(> .st-key-stage)");
    const before = parts.slice(found.at(-1), i);
    const isAfterSwitch = before.length === 1 && before[0].matches(".st-key-code");
    const isFirstPart = // a title and at most a control before it
      before.length <= 2 && before[0]?.matches(PART_OF_PAGE) && part.matches(PART_OF_PART);
    if (isAfterStage || (part.matches(HEADING) && !isAfterSwitch && !isFirstPart)) found.push(i);
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
  const asks = Boolean(document.querySelector(ASKS));
  if (asks && !isAsking) call(true);
  isAsking = asks;
}

/** How far to scroll, so that what the window's lower edge cuts is seen whole. */
function stride(main) {
  const top = document.querySelector("[data-testid=stHeader]").getBoundingClientRect().bottom;
  const end = document.querySelector("[data-testid=stBottom]")?.getBoundingClientRect().top;
  const bottom = end ?? main.getBoundingClientRect().bottom;
  const height = bottom - top;
  const cut = [...document.querySelectorAll(BLOCKS)]
    .map((block) => block.getBoundingClientRect())
    .filter((at) => at.height < height && at.bottom > bottom + 4 && at.top < bottom)
    .map((at) => at.top - top)
    .filter((far) => far > SLACK * height);
  return Math.min(...cut, ...(cut.length ? [] : [STRIDE * height]));
}

function turn(step) {
  const main = document.querySelector("[data-testid=stMain]");
  const { scrollTop, scrollHeight, clientHeight } = main;
  const rest = step > 0 ? scrollHeight - clientHeight - scrollTop : scrollTop;
  if (rest > SLACK * clientHeight) {
    if (step > 0) strides.push(scrollTop);
    const back = strides.length && step < 0 ? strides.pop() : scrollTop - STRIDE * clientHeight;
    main.scrollTo({ top: step > 0 ? scrollTop + stride(main) : back, behavior: "instant" });
  } else if (screen + step in starts()) {
    screen += step;
    strides = [];
    draw();
    main.scrollTo({ top: 0, behavior: "instant" });
  } else {
    send("turned", step);
  }
}

function call(isWished) {
  isShown = isWished;
  button.setAttribute("aria-expanded", isShown);
}

function onKey(event) {
  const { key, altKey, ctrlKey, metaKey, shiftKey } = event;
  const focused = event.composedPath()[0];
  if (altKey || ctrlKey || metaKey || shiftKey || !WIDE.matches) return;
  if (key === "Escape") {
    if (isShown && !document.querySelector(TAKES_ESCAPE)) call(false);
    return;
  }
  if (focused.closest?.(TAKES_ALL)) return;
  if (key.startsWith("Arrow") && focused.closest?.(TAKES_ARROWS)) return;
  if (key in STEPS) {
    if (!event.repeat) turn(STEPS[key]);
  } else if (key.toLowerCase() === "c" && !button.hidden) {
    call(!isShown);
  } else {
    return;
  }
  event.preventDefault();
  event.stopImmediatePropagation(); // Streamlit has keys of its own
}

const watcher = new MutationObserver(draw);

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  hiding = parentElement.querySelector("style");
  button = parentElement.querySelector("button");
  send = setTriggerValue;
  button.textContent = data.label;
  button.onclick = () => call(!isShown);
  if (page !== data.page) {
    [page, screen, strides, isShown] = [data.page, 0, [], false];
  }
  call(isShown); // the button may be a new one
  if (told !== innerHeight) setStateValue("height", (told = innerHeight));
  draw();
  addEventListener("keydown", onKey, true); // once, however often it is added
  WIDE.addEventListener("change", draw);
  watcher.observe(document.querySelector("[data-testid=stMain]"), {
    childList: true,
    subtree: true,
  });
  return () => {
    if (parentElement.isConnected) return; // a newer drawing overtook this one
    removeEventListener("keydown", onKey, true);
    WIDE.removeEventListener("change", draw);
    watcher.disconnect();
    told = undefined;
  };
}
