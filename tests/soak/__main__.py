"""Visitors come and go for a long time, and nothing of them may stay: ``python -m tests.soak``."""

import argparse
import random
import sys

from tests.soak.report import faults, table, trends
from tests.soak.soak import Patience, soak

_ROUNDS = 6  # of people who come, and all go away


def main() -> int:
    """Print the table; 1 where something grows or is left."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--visitors", type=int, default=20, help="at any time")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--types", type=int, default=0, help="kinds of objects to show, left over")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    warm_up_s, seconds = 15 * options.minutes, 45 * options.minutes
    found = soak(
        visitors=options.visitors,
        warm_up_s=warm_up_s,
        seconds=seconds,
        seed=options.seed,
        patience=Patience(),
        rounds=_ROUNDS,
    )
    if "Traceback" in found.log:
        print(found.log, file=sys.stderr)
    for kind, count in (found.left_types - found.quiet_types).most_common(options.types):
        print(f"{count:>8} more {kind}")
    grown = trends(found)
    print(table(found, grown))
    wrong = faults(found, grown)
    print("\n".join(wrong) or "Nothing grew beyond its noise.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
