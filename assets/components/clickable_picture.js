export default function ({ data, parentElement, setTriggerValue }) {
  let frame = parentElement.querySelector(".frame");
  if (!frame) {
    frame = document.createElement("div");
    frame.className = "frame";
    parentElement.appendChild(frame);
  }
  const image = document.createElement("img");
  image.src = data.src;
  image.alt = data.alt;
  const buttons = data.spots.map((spot) => {
    const button = document.createElement("button");
    button.title = spot.title;
    button.setAttribute("aria-label", spot.title);
    if (spot.id === data.chosen) button.className = "chosen";
    for (const side of ["left", "top", "width", "height"]) {
      button.style[side] = `${100 * spot[side]}%`;
    }
    button.onclick = () => setTriggerValue("picked", spot.id);
    return button;
  });
  frame.replaceChildren(image, ...buttons);
}
