"""Walk with new seeds: ``python -m tests.journeys [--actions N] [--seed S]``."""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.journeys.conftest import lab_settings
from tests.journeys.explore import explore
from tl_core.lab import Lab

_EACH = 250  # actions; then the next visitors come, so that what was found has a short trail


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m tests.journeys", description=__doc__)
    arguments.add_argument("--actions", type=int, default=3000)
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6))
    chosen = arguments.parse_args()
    start = time.monotonic()
    for number, first in enumerate(range(0, chosen.actions, _EACH)):
        seed, count = chosen.seed + number, min(_EACH, chosen.actions - first)
        print(f"seed {seed}: {count} actions", flush=True)
        with tempfile.TemporaryDirectory() as folder, Lab(lab_settings(Path(folder))) as lab:
            try:
                explore(lab, seed, count)
            except AssertionError as found:
                print(found)
                return 1
    seconds = time.monotonic() - start
    print(f"{chosen.actions} actions in {seconds:.0f} s, nothing found; seed {chosen.seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
