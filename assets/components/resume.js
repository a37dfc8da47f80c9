const NAME = "transfer-learning-lab-visit";
// Before each question: the connection that this tab had may take a while to be missed
const WAITS_MS = [0, 500, 1000, 1500, 2000];

let given; // code of the visit that the server began for this tab
let asked = 0; // questions for the older visit since then
let address; // of this tab, as it was then
let isLive; // whether the camera was on: still drawn so, where the server has begun anew

function kept() {
  try {
    return sessionStorage.getItem(NAME);
  } catch {
    return null; // the browser keeps nothing for this page
  }
}

function keep(code) {
  try {
    sessionStorage.setItem(NAME, code);
  } catch {} // then a reload begins a new visit
}

export default function ({ data, setTriggerValue }) {
  if (given !== data.code) {
    [given, asked, address] = [data.code, 0, location.search];
    isLive = Boolean(document.querySelector(".st-key-live_switch :checked"));
  }
  if (data.refused < asked) return; // the answer is on its way
  const older = kept();
  if (older && older !== data.code && data.is_known && asked < WAITS_MS.length) {
    setTimeout(() => setTriggerValue("wanted", { code: older, address, live: isLive }), WAITS_MS[asked]);
    asked += 1;
  } else {
    keep(data.code);
  }
}
