export default function ({ data, parentElement, setTriggerValue }) {
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
  parentElement.querySelector(".frame").replaceChildren(image, ...buttons);
}
