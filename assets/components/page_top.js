/** The page that was drawn last in this tab stands at the document: this module may be loaded anew. */
export default function ({ data }) {
  const tab = document.documentElement;
  if (tab.dataset.shown !== undefined && tab.dataset.shown !== data.page) {
    document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0);
  }
  tab.dataset.shown = data.page;
  tab.lang = data.language;
}
