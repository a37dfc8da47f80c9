const ROOT = document.documentElement;

class Panes {
  constructor(root) {
    this.nav = root.querySelector("nav");
  }

  draw(page) {
    this.page = page;
    const { panes, opened, first, next, label, moves } = page.data;
    this.nav.ariaLabel = label;
    // the visit that a reloaded tab goes on with comes a moment later
    if (!ROOT.dataset.pane || (opened && (!this.hasOpened || moves !== this.moves))) {
      ROOT.dataset.pane = opened || first;
    }
    this.moves = moves;
    const buttons = panes.map(({ key, name, state }) => {
      const button = this.button(key);
      button.querySelector("b").textContent = name;
      button.querySelector("span").textContent = state;
      const isOpen = key === ROOT.dataset.pane;
      button.ariaCurrent = String(isOpen);
      button.classList.toggle("next", key === next && !isOpen);
      return button;
    });
    if (!this.nav.children.length) this.nav.replaceChildren(...buttons);
  }

  leave() {
    delete ROOT.dataset.pane;
  }

  button(key) {
    const found = this.nav.querySelector(`[data-key=${key}]`);
    if (found) return found;
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.key = key;
    button.append(document.createElement("b"), document.createElement("span"));
    button.onclick = () => this.open(key);
    return button;
  }

  open(key) {
    ROOT.dataset.pane = key;
    this.hasOpened = true;
    document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0);
    this.draw(this.page);
    dispatchEvent(new CustomEvent("pane-opened"));
    dispatchEvent(new Event("resize")); // charts that were hidden take their width
    this.page.setTriggerValue("opened", key);
  }
}

export default (page) => mount(page, (root) => new Panes(root));
