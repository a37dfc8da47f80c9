const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** The index of the next spot in a direction, if there is one in that row or column. */
function nearest(spots, from, [right, down]) {
  const [here, along] = [spots[from], right ? ["left", "top"] : ["top", "left"]];
  const away = (spot) => (spot[along[0]] - here[along[0]]) * (right + down);
  const inLine = (spot) => Math.abs(spot[along[1]] - here[along[1]]) < here.height / 2;
  return [...spots.keys()]
    .filter((i) => away(spots[i]) > 0 && inLine(spots[i]))
    .sort((i, j) => away(spots[i]) - away(spots[j]))[0];
}

export default function ({ data, parentElement, setTriggerValue }) {
  const image = document.createElement("img");
  image.src = data.src;
  image.alt = data.alt;
  const buttons = data.spots.map((spot) => {
    const button = document.createElement("button");
    button.title = spot.title;
    button.setAttribute("aria-label", spot.title);
    if (spot.id === data.chosen) button.className = "chosen";
    button.ariaPressed = spot.id === data.chosen;
    for (const side of ["left", "top", "width", "height"]) {
      button.style[side] = `${100 * spot[side]}%`;
    }
    button.onclick = () => setTriggerValue("picked", spot.id);
    return button;
  });
  const frame = parentElement.querySelector(".frame");
  const hadFocus = frame.contains(frame.getRootNode().activeElement);
  frame.replaceChildren(image, ...buttons);
  // one stop of the Tab key, arrows inside
  const first = buttons.find((button) => button.className) ?? buttons[0];
  const stopAt = (stop) => buttons.forEach((button) => (button.tabIndex = button === stop ? 0 : -1));
  stopAt(first);
  if (hadFocus) first.focus({ preventScroll: true });
  frame.onkeydown = (event) => {
    const step = STEPS[event.key];
    const at = buttons.indexOf(frame.getRootNode().activeElement);
    const next = step && nearest(data.spots, at, step);
    if (next === undefined) return;
    event.preventDefault();
    stopAt(buttons[next]);
    buttons[next].focus();
  };
}
