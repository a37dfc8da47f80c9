const EVERY_MS = 3_000; // between two questions whether the lab is there
const PATIENCE_MS = 4_000; // for its answer

const line = document.createElement("p");
line.id = "offline";
line.setAttribute("role", "status");
line.hidden = true;

let watched; // the timer
let isAsking = false;

async function ask() {
  if (isAsking || document.hidden) return;
  isAsking = true;
  try {
    const base = location.pathname.slice(0, location.pathname.lastIndexOf("/") + 1);
    await fetch(`${base}_stcore/health`, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    line.hidden = true; // any answer is one
  } catch {
    line.hidden = false;
  }
  isAsking = false;
}

export default function ({ data }) {
  line.textContent = data.words;
  if (!line.isConnected) document.body.append(line);
  addEventListener("offline", ask); // once, however often it is added
  addEventListener("online", ask);
  watched ??= setInterval(ask, EVERY_MS);
}
