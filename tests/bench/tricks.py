"""What training tricks do: ``python -m tl_core bench tricks --data DIR``.

Each trick of the lesson as two runs that differ in it alone, with five seeds, on the packaged
digits and on as many cats and dogs. Every run is a line of a file, so that a study that was broken
off goes on.
"""

import argparse
import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from tests.bench._lines import do_missing, lines_of
from tests.bench.train import CATS_AND_DOGS, fine_tuned
from tl_core.context import Context
from tl_core.errors import UserError
from tl_core.settings import Settings
from tl_core.training.tricks import TRICKS, Trick

RUNS = Path(__file__).with_name("tricks.jsonl")
SUMMARY = Path(__file__).parents[2] / "assets" / "tricks.json"
SEEDS = 5
DATA = ("digits", "coloured_digits_at_random", CATS_AND_DOGS)
_TRICKS = {trick.key: trick for trick in TRICKS}


@dataclass(frozen=True, slots=True)
class Run:
    """One training; of another recipe it is another one."""

    trick: str
    has_it: bool
    data: str
    seed: int
    recipe: str  # the fields of ``FineTune`` as JSON


def main(argv: Sequence[str]) -> int:
    """Measure what is missing, print the table, and write the figures that the page quotes."""
    parser = argparse.ArgumentParser(prog="python -m tl_core bench tricks")
    parser.add_argument("--data", type=Path, default=Settings.from_env().data_dir)
    parser.add_argument("--runs", type=Path, default=RUNS, help="a line a run; what is there stays")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", nargs="*", choices=_TRICKS, default=list(_TRICKS))
    arguments = parser.parse_args(argv)
    runs = [
        run
        for data in DATA
        for key in arguments.only
        if data in ("digits", _TRICKS[key].data, CATS_AND_DOGS)
        for has_it in (False, True)
        for run in runs_of(key, data, has_it=has_it)
    ]
    do_missing(do, runs, arguments.runs, arguments.data, arguments.processes)
    figures = summarised(arguments.runs)
    SUMMARY.write_text(json.dumps(figures, indent=1) + "\n")
    print(table(figures))
    return 0


def runs_of(key: str, data: str, *, has_it: bool) -> list[Run]:
    """One side of a trick: a run for each seed."""
    recipe = json.dumps(fields_of(_TRICKS[key], data, has_it=has_it), sort_keys=True)
    return [Run(key, has_it, data, seed, recipe) for seed in range(SEEDS)]


def do(run: Run, context: Context) -> dict[str, Any]:
    """Train; the best epoch's accuracy, as the lab keeps it, and the last one's."""
    try:
        end = fine_tuned(context, **json.loads(run.recipe), seed=run.seed)
    except UserError:  # it diverged in its first epoch
        return {"best": None, "last": None, "epochs": 0}
    assert end.result is not None
    of_this = [point for point in end.epochs if point.part == end.epochs[-1].part]
    return {
        "best": max(point.validation_accuracy for point in of_this),
        "last": end.epochs[-1].validation_accuracy,
        "train": end.epochs[-1].train_accuracy,
        "epochs": len(of_this),
        "has_diverged": end.result.has_diverged,
    }


def fields_of(trick: Trick, data: str, *, has_it: bool) -> dict[str, Any]:
    """The fields of a run."""
    chosen = trick.fields(has_it=has_it)
    chosen["photos_per_class"] *= 5 if data == CATS_AND_DOGS else 1  # of two classes, not of ten
    return {"dataset": data, **chosen}


def summarised(path: Path) -> dict[str, Any]:
    """By data set and trick: without it, with it, and the mean difference with its 95 % interval.

    Of the best epoch, which the lab keeps. The differences are of pairs with the same seed; a run
    that diverged counts as chance.
    """
    found = {Run(**line.pop("run")): line for line in lines_of(path)}
    figures: dict[str, Any] = {}
    for data in DATA:
        chance = 0.5 if data == CATS_AND_DOGS else 0.1
        for key in _TRICKS:
            sides = [
                [found.get(run) for run in runs_of(key, data, has_it=has_it)]
                for has_it in (False, True)
            ]
            if not all(line for side in sides for line in side):
                continue
            best = [
                [chance if line["best"] is None else line["best"] for line in side if line]
                for side in sides
            ]
            figures.setdefault(data, {})[key] = {
                "without": round(fmean(best[0]), 3),
                "with": round(fmean(best[1]), 3),
                "difference": _interval([b - a for a, b in zip(*best, strict=True)]),
                "seconds": round(fmean(line["seconds"] for s in sides for line in s if line), 1),
            }
    return figures


def _interval(differences: Sequence[float]) -> tuple[float, float, float]:
    """The mean, and the ends of its 95 % interval by Student's t."""
    from scipy.stats import t

    mean, count = fmean(differences), len(differences)
    spread = math.sqrt(sum((one - mean) ** 2 for one in differences) / (count - 1) / count)
    reach = float(t.ppf(0.975, count - 1)) * spread
    return round(mean, 3), round(mean - reach, 3), round(mean + reach, 3)


def table(figures: dict[str, Any]) -> str:
    """As Markdown."""
    lines = ["| data | trick | without | with it | difference | s |", "|---" * 6 + "|"]
    for data, tricks in figures.items():
        for key, found in tricks.items():
            mean, low, high = found["difference"]
            words = f"{100 * mean:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"
            shares = f"{100 * found['without']:.1f} % | {100 * found['with']:.1f} %"
            lines.append(f"| {data} | {key} | {shares} | {words} | {found['seconds']} |")
    return "\n".join(lines)
