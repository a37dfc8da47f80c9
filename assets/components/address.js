export default function ({ data }) {
  const shown = location.pathname.split("/").at(-1);
  if (shown !== data.page) return; // another page by now, which has an address of its own
  const query = data.query && `?${data.query}`;
  if (location.search !== query) {
    history.replaceState(history.state, "", location.pathname + query + location.hash);
  }
}
