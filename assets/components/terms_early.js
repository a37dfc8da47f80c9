// Here before any component: a term that is clicked before its texts are known
if (!("termWanted" in window)) {
  window.termWanted = undefined;
  addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-testid=stMarkdownContainer] a[href^='#']");
    if (!link || event.defaultPrevented) return;
    event.preventDefault();
    window.termWanted = link.getAttribute("href");
  });
}
