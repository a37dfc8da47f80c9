export default function ({ data, parentElement }) {
  let frame = parentElement.querySelector(".frame");
  if (!frame) {
    frame = document.createElement("div");
    frame.className = "frame";
    frame.innerHTML = '<img class="under"><img class="over"><div class="line"></div>' +
      '<input type="range" min="0" max="100" value="50">';
    parentElement.appendChild(frame);
    const input = frame.querySelector("input");
    const show = () => {
      frame.querySelector(".over").style.clipPath = `inset(0 ${100 - input.value}% 0 0)`;
      frame.querySelector(".line").style.left = `${input.value}%`;
    };
    input.addEventListener("input", show);
    show();
  }
  const [under, over] = frame.querySelectorAll("img");
  under.src = data.right;
  over.src = data.left;
  under.alt = data.alt;
  over.alt = "";
  frame.querySelector("input").setAttribute("aria-label", data.alt);
}
