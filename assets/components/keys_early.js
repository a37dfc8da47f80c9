// Here before any component: Alt+S that finds no Start yet
window.startWantedAt ??= (addEventListener("keydown", (event) => {
  const drawn = [".st-key-start", ".st-key-ready_set", ".st-key-pause"]; // the last in a run
  const isDrawn = document.querySelector(drawn.map((part) => `${part} button`).join(", "));
  if (event.altKey && event.code === "KeyS" && !isDrawn) window.startWantedAt = Date.now();
}), 0);
