// Here before any component: Alt+S, also where Start is not drawn yet or was drawn this moment, in
// which its own shortcut does not listen yet
window.startWantedAt ??= (addEventListener("keydown", (event) => {
  if (!event.altKey || event.code !== "KeyS") return;
  const drawn = [".st-key-start", ".st-key-ready_set", ".st-key-pause"]; // the last in a run
  const found = drawn.map((part) => document.querySelector(`${part} button`)).find(Boolean);
  if (!found) window.startWantedAt = Date.now();
  if (!found || found.closest(".st-key-pause")) return;
  event.preventDefault();
  event.stopImmediatePropagation(); // or the shortcut would press it once more
  found.click();
}, true), 0);
