// Here before any component: Alt+S that finds no Start yet
window.startWantedAt ??= (addEventListener("keydown", (event) => {
  const start = document.querySelector(".st-key-start button, .st-key-ready_set button");
  if (event.altKey && event.code === "KeyS" && !start) window.startWantedAt = Date.now();
}), 0);
