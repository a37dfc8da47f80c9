const mounted = new WeakMap(); // what is shown, by its place in the page

/** Draw what ``make`` once made for this place; it leaves when the place does.
 *
 * Streamlit calls what a drawing returned not only then, but also where a newer drawing overtook it.
 */
function mount(page, make) {
  const root = page.parentElement;
  if (!mounted.has(root)) mounted.set(root, make(root));
  const shown = mounted.get(root);
  shown.draw(page);
  return () => {
    if (root.isConnected) return;
    mounted.delete(root);
    shown.leave();
  };
}
