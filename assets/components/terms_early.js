/* A term that is clicked before its texts are here is explained once they are. */
if (!("termWanted" in window)) {
  window.termWanted = undefined;
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-testid=stMarkdownContainer] a[href^='#']");
    if (!link || window.termsAreHere) return;
    event.preventDefault();
    window.termWanted = link;
  });
}
