"""Photograph the running app for README: ``python -m tests.pictures.screenshots [PAGE ...]``."""

import io
import re
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.app_process import ROOT, app_process
from tests.chromium import CHROMIUM, CHROMIUM_ARGS
from tl_core.machine.files import write_whole

FOLDER = ROOT / "docs/pictures"
RUN_S = 600
_IS_AT_REST = """() => !document.querySelector(
  "[data-stale=true], [data-test-script-state=running], .st-key-stage [role=progressbar]")"""
_STARTED = ("/teach", "/ideal", "/attack")  # pages that show something once they are started
# by file: where it is, and what the page says once its picture is ready
VIEWS = {
    "home": ("", re.compile("Transfer Learning Lab")),
    "backbones": ("backbones", re.compile("says: ")),
    "feature_maps": (
        "feature_maps?layer=blocks.2.0&compare=layer",
        re.compile("Both are drawn on one scale"),
    ),
    "why": ("why?sample=sample%3Acat", re.compile("Same blur elsewhere")),
    "teach": (
        "teach?dataset=digits&mode=head,pixels",
        re.compile(r"Accuracy \d.* validation photographs"),
    ),
    "ideal": ("ideal?target_class=340", re.compile("Networks that weren't used to draw it")),
    "attack": (
        "attack?sample=sample%3Acat&target_class=953",
        re.compile("Fooled at step .* seen as"),
    ),
    "path": ("path?language=ja", re.compile("6")),
    "presenter": ("why?sample=sample%3Acat&present=1", re.compile("Same blur elsewhere")),
}


def main(names: Collection[str], folder: Path = FOLDER) -> None:
    """Press Start where there is one, wait for the result, and keep the first view as WebP."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        app_process(Path(data)) as app,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        for name in names:
            path, ready = VIEWS[name]
            page = browser.new_page(viewport={"width": 1280, "height": 720})
            page.goto(f"{app.url}/{path}")
            write_whole(folder / f"{name}.webp", _webp(_photographed(page, ready)))
            page.close()
        browser.close()


def _photographed(page: Any, ready: re.Pattern[str]) -> bytes:
    page.get_by_role("heading", level=1).wait_for()
    if page.url.split("?")[0].endswith(_STARTED):
        page.locator(".st-key-start button:enabled").click()
    page.get_by_text(ready).first.wait_for(timeout=1000 * RUN_S)
    for _ in range(2):  # the page may be drawn anew once more
        page.wait_for_timeout(1500)
        page.wait_for_function(_IS_AT_REST)
    page.evaluate("document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")
    return bytes(page.screenshot(animations="disabled"))


def _webp(png: bytes) -> bytes:
    buffer = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(buffer, "WEBP", quality=82, method=6)
    return buffer.getvalue()


if __name__ == "__main__":
    main(sys.argv[1:] or VIEWS)
