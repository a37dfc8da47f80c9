import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.app_process import app_process

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-gpu",
    "--use-fake-device-for-media-stream",  # a camera, for who allows it
]


@pytest.fixture(scope="session")
def app_url(tmp_path_factory):
    """The app as a visitor meets it."""
    with serve(tmp_path_factory.mktemp("app")) as url:
        yield url


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """A server of its own process, with empty folders; its log must stay without a traceback."""
    with app_process(folder) as app:
        yield app.url
    assert "Traceback" not in app.log


@pytest.fixture(scope="session")
def chromium():
    """A real browser, where the machine has one."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium here: install Debian's package chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """A new visitor's tab."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(30_000)
    yield page
    context.close()
