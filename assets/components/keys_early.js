// Here before any component: Alt+S, also where Start is not drawn yet or was drawn this moment, in
// which its own shortcut does not listen yet
window.startWantedAt ??= (addEventListener("keydown", (event) => {
  if (!event.altKey || event.code !== "KeyS") return;
  const place = ":is(.st-key-start, .st-key-ready_set) button";
  const start = document.querySelector(`${place}:enabled`);
  const isRunning = document.querySelector(".st-key-pause button"); // Start may fade out still
  if (!isRunning && !document.querySelector(place)) window.startWantedAt = Date.now();
  if (!start) return;
  event.preventDefault();
  event.stopImmediatePropagation(); // or the shortcut would press it once more
  if (!isRunning) start.click();
}, true), 0);
