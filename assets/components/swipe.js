export default function ({ data, parentElement }) {
  const [under, over] = parentElement.querySelectorAll("img");
  const line = parentElement.querySelector(".line");
  const input = parentElement.querySelector("input");
  under.src = data.right;
  over.src = data.left;
  under.alt = data.alt;
  over.alt = "";
  input.setAttribute("aria-label", data.alt);
  input.oninput = () => {
    over.style.clipPath = `inset(0 ${100 - input.value}% 0 0)`;
    line.style.left = `${input.value}%`;
  };
  input.oninput();
}
