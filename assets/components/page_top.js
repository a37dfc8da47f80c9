let shown; // the page that was drawn last in this tab

export default function ({ data }) {
  if (shown !== undefined && shown !== data.page) {
    document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0);
  }
  shown = data.page;
  document.documentElement.lang = data.language;
}
