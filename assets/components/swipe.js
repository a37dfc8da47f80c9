export default function ({ data, parentElement }) {
  const input = parentElement.querySelector("input");
  const pair = parentElement.closest(".st-key-pair");
  input.setAttribute("aria-label", data.label);
  input.oninput = () => pair.style.setProperty("--swipe", `${input.value}%`);
  input.oninput();
}
