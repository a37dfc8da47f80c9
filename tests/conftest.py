import os
import sys
from pathlib import Path

import pytest

from tests.app_process import app_process
from tests.chromium import CHROMIUM, CHROMIUM_ARGS
from tl_core.lab import Lab, Settings

ROOT = Path(__file__).parents[1]
_SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def photos_dir() -> Path:
    """Real photographs to train and measure on, where this machine has them."""
    folder = Path(os.environ.get("TL_DATA_DIR", _SHARED))
    if not folder.is_dir():
        pytest.skip("no photographs here: set TL_DATA_DIR to a folder of them")
    return folder


@pytest.fixture(scope="session")
def labelled() -> list[tuple[int, bytes]]:
    """The 20 photographs that foolbox carries, each with its ImageNet class."""
    import importlib.util

    found = importlib.util.find_spec("foolbox")
    assert found is not None
    assert found.origin is not None
    files = sorted((Path(found.origin).parent / "data").glob("imagenet_*.jpg"))
    return [(int(file.stem.rsplit("_", 1)[1]), file.read_bytes()) for file in files]


@pytest.fixture(autouse=True)
def drawn_in_float32(monkeypatch) -> None:
    """No test waits until a network is measured, but those of the measurement and in a browser."""
    monkeypatch.setattr("tl_core.imageopt.runner.known", lambda *_: "fp32")


@pytest.fixture(autouse=True)
def main_stays(monkeypatch) -> None:
    """AppTest puts the page in place of ``__main__``, which a process started later would run."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A lab on the CPU whose folders are empty."""
    return Settings(
        data_dir=tmp_path / "data",
        weights_dir=tmp_path / "weights",
        cache_dir=tmp_path / "cache",
        device="cpu",
    )


@pytest.fixture
def lab(settings: Settings):
    with Lab(settings) as lab:
        yield lab


@pytest.fixture(scope="session")
def app(tmp_path_factory):
    """The app as a visitor meets it, in a process of its own; its log stays without a traceback."""
    with app_process(tmp_path_factory.mktemp("app")) as app:
        yield app
    assert "Traceback" not in app.log, app.log


@pytest.fixture(scope="session")
def app_url(app):
    return app.url


@pytest.fixture(scope="session")
def chromium():
    """A real browser, where the machine has one."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium here: install Debian's package chromium")
    with sync_api.sync_playwright() as playwright:
        args = [*CHROMIUM_ARGS, "--process-per-site"]  # tabs of a context share compiled scripts
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=args)
        yield browser
        browser.close()
