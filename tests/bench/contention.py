"""How much slower a picture is drawn beside other programs that keep cores busy.

Each busy program is a loop in a process of its own. The rows are measured in the order alone,
beside, alone, so that a machine that drifts shows it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tl_core.cores import usable_cores

ROOT = Path(__file__).parents[2]
BUSY = "while True: pass"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table, or one JSON object with ``--json``."""
    parser = argparse.ArgumentParser(prog="contention", description=__doc__)
    parser.add_argument("--steps", type=int, default=96)
    parser.add_argument("--beside", type=int, nargs="*", default=[0, 1, 2, 0], metavar="N")
    parser.add_argument("--root", type=Path, default=ROOT, help="another checkout to measure")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    rows = [
        {"busy": count, "command_s": command_s(options.root, options.steps, count)}
        for count in options.beside
    ]
    alone = min(row["command_s"] for row in rows if row["busy"] == 0)
    for row in rows:
        row["times"] = row["command_s"] / alone
    if options.json:
        print(json.dumps({"cores": usable_cores(), "steps": options.steps, "rows": rows}))
        return 0
    print(f"tl_core ideal, {options.steps} steps, {usable_cores()} cores")
    for row in rows:
        print(
            f"beside {row['busy']} busy: {row['command_s']:6.1f} s, {row['times']:.2f} times alone"
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
