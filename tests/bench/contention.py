"""How much slower a picture is drawn beside other programs that keep cores busy.

Each busy program is a loop in a process of its own. The rows are measured in the order alone,
beside, alone, so that a machine that drifts shows it.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.app_process import app_process
from tests.websocket_client import Visitor
from tl_core.machine.cores import usable_cores

ROOT = Path(__file__).parents[2]
BUSY = "while True: pass"
FIRST_S = 180  # for the first picture
POLL_S = 0.5  # as the page asks browsers to


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table, or one JSON object with ``--json``."""
    parser = argparse.ArgumentParser(prog="contention", description=__doc__)
    parser.add_argument("--steps", type=int, default=96)
    parser.add_argument("--beside", type=int, nargs="*", default=[0, 1, 2, 0], metavar="N")
    parser.add_argument("--app-s", type=float, default=12.0, help="time to draw in the app")
    parser.add_argument("--root", type=Path, default=ROOT, help="another checkout to measure")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    rows = [
        {
            "busy": count,
            "command_s": command_s(options.root, options.steps, count),
            "app_steps_per_s": app_steps_per_s(options.root, options.app_s, count),
        }
        for count in options.beside
    ]
    alone = [row for row in rows if row["busy"] == 0]
    for row in rows:
        row["command_times"] = row["command_s"] / min(a["command_s"] for a in alone)
        row["app_times"] = max(a["app_steps_per_s"] for a in alone) / row["app_steps_per_s"]
    if options.json:
        print(json.dumps({"cores": usable_cores(), "steps": options.steps, "rows": rows}))
        return 0
    print(f"tl_core ideal, {options.steps} steps; one picture in the app; {usable_cores()} cores")
    for row in rows:
        print(
            f"beside {row['busy']} busy: {row['command_s']:6.1f} s ({row['command_times']:.2f} "
            f"times alone), app {row['app_steps_per_s']:5.1f} steps/s ({row['app_times']:.2f})"
        )
    return 0


def command_s(root: Path, steps: int, busy: int) -> float:
    """Seconds of ``tl_core ideal`` as a command, beside so many busy processes."""
    with tempfile.TemporaryDirectory() as folder, processes(busy):
        command = [sys.executable, "-m", "tl_core", "ideal", "--target", "zebra"]
        command += ["--steps", str(steps), "--out", str(Path(folder) / "zebra.png")]
        start = time.perf_counter()
        subprocess.run(command, cwd=root, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start


def app_steps_per_s(root: Path, seconds: float, busy: int) -> float:
    """Steps a second of one visitor's picture in the app, polled as a browser does."""
    with (
        tempfile.TemporaryDirectory() as folder,
        app_process(Path(folder), root=root) as app,
        Visitor(app.url) as visitor,
        processes(busy),
    ):
        visitor.open("ideal").press("start")
        deadline = time.perf_counter() + FIRST_S
        while (before := _step(visitor)) == 0:
            if time.perf_counter() > deadline:
                raise RuntimeError(f"no picture within {FIRST_S} s: {app.log}")
            _poll(visitor)
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            _poll(visitor)
        return (_step(visitor) - before) / (time.perf_counter() - start)


def _poll(visitor: Visitor) -> None:
    time.sleep(POLL_S)
    visitor.poll(at_most_s=POLL_S)


def _step(visitor: Visitor) -> int:
    """The newest step that the page shows."""
    found = [re.search(r"step (\d+) of", text) for text in visitor.texts]
    return max((int(match[1]) for match in found if match), default=0)


@contextmanager
def processes(count: int) -> Iterator[None]:
    """Keep so many processes busy inside."""
    started = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


if __name__ == "__main__":
    sys.exit(main())
