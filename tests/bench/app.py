"""How soon the lab is open, and how soon a page is drawn: a real browser against the real app."""

import argparse
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench app", description=__doc__)
    parser.add_argument("--changes", type=int, default=20, help="changes of page to time")
    options = parser.parse_args(arguments)
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    command += ["--server.headless", "true", "--server.port", str(port)]
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _measure(f"http://localhost:{port}", start, options.changes)
    finally:
        process.terminate()
        process.wait()
    return 0


def _measure(url: str, start: float, changes: int) -> None:
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-background-networking", "--disable-gpu"],
        )
        page = browser.new_page()
        while True:
            try:
                page.goto(url)
                break
            except Error:
                time.sleep(0.05)
        heading = page.get_by_role("heading", level=1)
        heading.wait_for()
        print(f"home drawn {time.perf_counter() - start:.1f} s after the command")
        seconds = []
        navigation = page.get_by_test_id("stTopNavLink")
        for turn in range(changes):
            name, title = (("Backbones", "Backbones"), ("Home", "Transfer Learning Lab"))[turn % 2]
            begin = time.perf_counter()
            navigation.filter(has_text=name).click()
            page.get_by_role("heading", level=1, name=title).wait_for()
            page.get_by_test_id("stCaptionContainer").last.wait_for()
            seconds.append(time.perf_counter() - begin)
        median = statistics.median(seconds)
        print(
            f"a change of page is drawn in {median:.2f} s (median of {changes}), "
            f"at most {max(seconds):.2f} s"
        )
        browser.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
