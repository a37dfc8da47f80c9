"""The app as a visitor meets it: its own process, with empty folders."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
START_S = 60


@dataclass(frozen=True)
class AppProcess:
    """A running app, what it printed, and the folder of its files."""

    url: str
    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def has_failed(self) -> bool:
        """Whether its log has a traceback; the log is then printed."""
        has_traceback = "Traceback" in self.log
        if has_traceback:
            print(self.log, file=sys.stderr)
        return has_traceback

    def get(self, path: str, timeout_s: float = 10) -> str:
        """Fetch a path of the server; an ``OSError`` where it does not answer with success."""
        with urllib.request.urlopen(self.url + path, timeout=timeout_s) as answer:
            return str(answer.read().decode())


@contextmanager
def app_process(
    folder: Path,
    *,
    root: Path = ROOT,
    module: str = "streamlit",
    **environment: str,
) -> Iterator[AppProcess]:
    """Start the app of a checkout with README's plain command, and end it afterwards.

    Another ``module`` is started in Streamlit's place, with its arguments.
    """
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    variables = os.environ | {
        "TL_DATA_DIR": str(folder / "data"),
        "TL_WEIGHTS_DIR": str(folder / "weights"),
        "TL_CACHE_DIR": str(folder / "cache"),
        "TL_DEVICE": "cpu",
        "TL_MIRROR": "http://127.0.0.1:9",
        "TL_END_S": "0",
    }
    command = [sys.executable, "-m", module, "run", "streamlit_app.py"]
    command += ["--server.headless", "true", "--server.port", str(port)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=root,
            env=variables | environment,
            stdout=log,
            stderr=log,
        )
    app = AppProcess(f"http://localhost:{port}", process, folder)
    try:
        _wait_until_healthy(app)
        yield app
    finally:
        process.terminate()
        process.wait(START_S)


def _wait_until_healthy(app: AppProcess) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and app.process.poll() is None:
        try:
            app.get("/_stcore/health", timeout_s=1)
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the app did not start: {app.log}")


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """The address of a running app; its log must stay without a traceback."""
    with app_process(folder) as app:
        yield app.url
    assert "Traceback" not in app.log, app.log
