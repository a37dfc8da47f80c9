// Here before any component: Alt+S, also where Start is not drawn yet or was drawn this moment, in
// which its own shortcut does not listen yet
window.startWantedAt ??= (addEventListener("keydown", (event) => {
  if (!event.altKey || event.code !== "KeyS") return;
  const start = document.querySelector(
    ".st-key-start button:enabled, .st-key-ready_set button:enabled",
  );
  const drawn = ".st-key-start button, .st-key-ready_set button, .st-key-pause button"; // or in a run
  if (!start && !document.querySelector(drawn)) window.startWantedAt = Date.now();
  if (!start) return;
  event.preventDefault();
  event.stopImmediatePropagation(); // or the shortcut would press it once more
  start.click();
}, true), 0);
