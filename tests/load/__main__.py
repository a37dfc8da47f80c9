"""A class at once: how fast its pictures grow, beside the bare loop of the same machine.

Every scene has an app of its own, so that nobody of an earlier one is still there.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import fields
from pathlib import Path

from tests.app_process import ROOT, app_process
from tests.load import live, teach
from tests.load.scenes import Figures, alike, mixed, play, warm_up
from tl_core.machine.cores import usable_cores


def main() -> int:
    """Print a row a scene, and the bare loop before and after."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--scenes", nargs="+", default=["1", "8", "32", "mixed"])
    parser.add_argument("--seconds", type=float, default=30, help="watched, of each scene")
    parser.add_argument(
        "--root", type=Path, default=ROOT, help="the checkout whose app is measured"
    )
    parser.add_argument(
        "--machines",
        type=int,
        nargs="+",
        default=[],
        help="play each scene also on a Ray cluster of so many, which share the cores",
    )
    parser.add_argument(
        "--taught", action="store_true", help="in the scene live, models of visitors' own answer"
    )
    options = parser.parse_args()
    if options.scenes == ["live"]:
        return live.main(options.root, options.seconds, is_taught=options.taught)
    if options.scenes == ["teach"]:
        return teach.main(options.root)
    print("bare loop before:", json.dumps(bare()))
    print(" | ".join(field.name for field in fields(Figures)))
    for name in options.scenes:
        for machines in (0, *options.machines):
            shown = f"{name} on {machines}" if machines else name
            with (
                tempfile.TemporaryDirectory() as folder,
                app_process(
                    Path(folder),
                    root=options.root,
                    TL_CLUSTER="local" if machines else "auto",
                    TL_ACTOR_CORES=str(max(usable_cores() // max(machines, 1), 1)),
                ) as app,
            ):
                warm_up(app.url)
                guests = mixed(app.url) if name == "mixed" else alike(app.url, int(name))
                print(play(shown, app, guests, options.seconds).line(), flush=True)
                if app.has_failed():
                    return 1
    print("bare loop after:", json.dumps(bare()))
    return 0


def bare() -> dict[str, float]:
    """Picture-steps a second without an app: one picture and eight."""
    command = [sys.executable, "-m", "tests.load.bare"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    sys.exit(main())
