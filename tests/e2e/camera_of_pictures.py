"""A camera that shows what a test holds in front of it: photographs that move a little."""

import base64
from typing import Any

from tl_core.images.samples import read

CAMERA = """
(() => {
  const canvas = Object.assign(document.createElement("canvas"), {width: 640, height: 480});
  const context = canvas.getContext("2d");
  const pictures = {};
  let time = 0;
  window.shows = null;
  window.moves = true;
  window.bring = async (name, url) => {
    pictures[name] = new Image();
    pictures[name].src = url;
    await pictures[name].decode();
  };
  setInterval(() => {
    time += window.moves ? 1 : 0;
    context.fillStyle = "gray";
    context.fillRect(0, 0, 640, 480);
    const picture = pictures[window.shows];
    if (!picture) return;
    context.save();
    context.translate(320 + 30 * Math.sin(time / 7), 240 + 20 * Math.cos(time / 9));
    context.rotate(0.15 * Math.sin(time / 11));
    const scale = 528 / Math.min(picture.width, picture.height);
    const [width, height] = [scale * picture.width, scale * picture.height];
    context.drawImage(picture, -width / 2, -height / 2, width, height);
    context.restore();
  }, 40);
  navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(25);
  navigator.mediaDevices.enumerateDevices = async () => [{kind: "videoinput", deviceId: "one"}];
})();
"""


def bring(page: Any, **samples: str) -> None:
    """Have the camera of this page know photographs of the gallery, by a name each."""
    for name, sample in samples.items():
        url = "data:image/jpeg;base64," + base64.b64encode(read(sample)).decode()
        page.evaluate("([name, url]) => window.bring(name, url)", [name, url])


def hold_up(page: Any, name: str) -> None:
    """Put one of them in front of it."""
    page.evaluate("name => (window.shows = name)", name)
