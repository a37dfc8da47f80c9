"""Run generated cases: ``python -m tests.fuzz [--cases N] [--seed S] [--kinds NAME ...]``.

Exit status 1 if a case fails; its kind and seed are printed, with the command that repeats it.
"""

import argparse
import faulthandler
import itertools
import random
import shlex
import sys
import time
import traceback

from tests.fuzz.registry import all_kinds, check, dealt

_SHOWN = 5  # failures of one kind with their traceback; the rest is counted


def main() -> int:
    options = _options()
    kinds = all_kinds()
    chosen = {name: kinds[name] for name in options.kinds or kinds}
    faulthandler.enable()
    print(f"seed {options.seed}")
    failures = 0
    cases = dealt(chosen, options.cases, options.seed)
    for name, group in itertools.groupby(cases, key=lambda case: case[0].name):
        print(f"{name} ...", flush=True)  # before it runs: a crash of the process has a name
        failed, slowest_s, count = 0, 0.0, 0
        for kind, seed in group:
            started = time.perf_counter()
            try:
                check(kind, seed)
            except Exception:  # noqa: BLE001  # any escape is a finding; the run goes on
                failed += 1
                _report(name, seed, is_shown=failed <= _SHOWN)
            count += 1
            slowest_s = max(slowest_s, time.perf_counter() - started)
        print(f"    {count} cases, {failed} failed, slowest {slowest_s:.2f} s", flush=True)
        failures += failed
    print("clean" if not failures else f"{failures} cases failed")
    return 1 if failures else 0


def _report(name: str, seed: int, *, is_shown: bool) -> None:
    if is_shown:
        traceback.print_exc()
    print(
        f"FAILED: python -m tests.fuzz --kinds {shlex.quote(name)} --seed {seed} --cases 1",
        flush=True,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=1000, help="about how many, over all kinds")
    parser.add_argument("--seed", type=int, default=None, help="of the first case of each kind")
    parser.add_argument("--kinds", nargs="+", choices=sorted(all_kinds()), metavar="NAME")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(10**9)
    return options


if __name__ == "__main__":
    sys.exit(main())
