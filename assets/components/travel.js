// How photographs travel: looked at, made smaller, and sent until the page has taken them.
const LONG_SIDE = 1600; // pixels; larger photographs are made smaller here
const SHORT_SIDE = 8; // pixels; what would become narrower travels as it is
const QUALITY = 0.9;
const AGAIN_MS = 10_000; // a run of the page that was broken off has not taken what was sent
const MOST_TRIES = 3;
// How the files begin that the lab reads: JPEG, PNG, GIF, BMP, WebP, HEIC
const READ =
  /^(\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8|BM|RIFF[^]{4}WEBP|[^]{4}ftyp(hei|hev|mif1))/;
// and those that only some browsers do: AVIF, TIFF
const DECODED_HERE = /^([^]{4}ftyp(avif|avis|msf1)|II\*\0|MM\0\*)/;

/** Why a file is not taken: the name of a sentence among the page's words. */
class Refused extends Error {}

/** Sends a numbered message, and again after a while, until its number counts as taken. */
class Post {
  constructor(onLost) {
    this.last = 0;
    this.onLost = onLost;
  }

  draw(page) {
    this.page = page;
    this.last = Math.max(this.last, page.data.taken);
    if (this.sent && page.data.taken >= this.sent.number) this.rest();
  }

  /** A number that nothing of this visit had before. */
  number() {
    return (this.last = Math.max(this.last + 1, Date.now()));
  }

  send(message) {
    this.sent = message;
    this.try(1);
  }

  try(tries) {
    if (tries > MOST_TRIES) {
      this.rest();
      return this.onLost();
    }
    this.page.setTriggerValue("sent", this.sent);
    this.again = setTimeout(() => this.try(tries + 1), tries * AGAIN_MS);
  }

  rest() {
    clearTimeout(this.again);
    this.sent = null;
  }
}

function holdsFiles(event) {
  return Boolean(event.dataTransfer?.types.includes("Files"));
}

async function begins(file) {
  return String.fromCharCode(...new Uint8Array(await file.slice(0, 16).arrayBuffer()));
}

/** Whether it begins as a picture does, whatever its name says. */
async function isPicture(file) {
  const start = await begins(file).catch(() => ""); // a folder cannot be read
  return READ.test(start) || DECODED_HERE.test(start);
}

/** What travels: the file itself where it is small and the lab reads it, else a smaller JPEG. */
async function packed(file, limits) {
  if (file.size > limits.decoded) throw new Refused("large");
  const options = { imageOrientation: "from-image" };
  const picture = await createImageBitmap(file, options).catch(() => null);
  if (picture) {
    const { width, height } = picture;
    const isTooNarrow = (LONG_SIDE * Math.min(width, height)) / Math.max(width, height) < SHORT_SIDE;
    if ((Math.max(width, height) > LONG_SIDE && !isTooNarrow) || !READ.test(await begins(file))) {
      return shrunk(picture, width, height);
    }
    picture.close();
  }
  if (file.size > limits.as_it_is) throw new Refused("large_as_it_is");
  return file;
}

/** A JPEG whose longest side fits; transparent parts become white, as the lab makes them too. */
function shrunk(source, width, height) {
  const scale = Math.min(1, LONG_SIDE / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(scale * width));
  canvas.height = Math.max(1, Math.round(scale * height));
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  source.close?.();
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
}

function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
