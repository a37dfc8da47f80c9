const SHOWN_MS = 2000;
const READ_MS = 70; // for each further character

// Without https a page has no clipboard of its own
function copyBySelection(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.style.position = "fixed";
  area.style.opacity = "0";
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  return isCopied;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

export default function ({ data, parentElement }) {
  const button = parentElement.querySelector("button");
  const said = parentElement.querySelector("span");
  let timer;
  button.title = data.label;
  button.setAttribute("aria-label", data.label);
  button.style.visibility = ""; // now that it has a name
  button.onclick = async () => {
    const isCopied = await copy(location.href);
    button.focus();
    const { right, bottom } = button.getBoundingClientRect();
    said.style.top = `${bottom + 4}px`; // not inside the component, which hides what is larger
    said.style.right = `${document.documentElement.clientWidth - right}px`;
    said.textContent = isCopied ? data.copied : data.refused;
    clearTimeout(timer);
    const shown = SHOWN_MS + READ_MS * said.textContent.length;
    timer = setTimeout(() => (said.textContent = ""), shown);
  };
}
