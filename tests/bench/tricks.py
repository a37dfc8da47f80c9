"""What training tricks do: ``python -m tl_core bench tricks --data DIR``.

Each trick of the lesson as two runs with the same number of updates, each at the best of the same
three learning rates, on the packaged digits and on as many cats and dogs. Every run is a line of a
file, so that a study that was broken off goes on.

A data set has three parts without a photograph in common. The learning part is learned from; the
choosing part chooses the epoch, and with the first two seeds the learning rate; the testing part is
measured once a run and chooses nothing.
"""

import argparse
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from tests.bench._lines import do_missing, lines_of
from tests.bench.train import CATS_AND_DOGS, fine_tuned
from tl_core.context import Context
from tl_core.datasets.dataset import Dataset, Example, sample_per_class
from tl_core.datasets.folder import FolderIndex
from tl_core.datasets.store import DatasetStore
from tl_core.settings import Settings
from tl_core.specs.training import mode_row
from tl_core.specs.tricks import TRICKS, Trick
from tl_core.training.loop import Diverged

RUNS = Path(__file__).with_name("tricks.jsonl")
SUMMARY = Path(__file__).parents[2] / "assets" / "tricks.json"
SEEDS, CHOOSING_SEEDS = range(5), range(2)
COLOURED = "coloured_digits"
DATA = ("digits", "coloured_digits_at_random", CATS_AND_DOGS, COLOURED)
# Written down before the first run
RATES = {
    ("full", "adamw"): (5e-5, 2e-4, 8e-4),
    ("full", "momentum"): (2e-3, 1e-2, 5e-2),
    ("head", "adamw"): (1e-3, 1e-2, 1e-1),
    ("head", "momentum"): (1e-2, 1e-1, 1.0),
}
_CHOOSING, _TESTING = {"digits": 10, COLOURED: 10, CATS_AND_DOGS: 50}, 54  # a class
_TEST = "test"
_TRICKS = {trick.key: trick for trick in TRICKS}
_STUDIES = (*_TRICKS, "far", "overfitting")
# Kumar et al. 2022: what each way knows of other colours than those that it learned with
FAR = {
    "head": {"mode": "head", "epochs": 35},
    "all layers": _TRICKS["head-first"].fields(has_it=False),
    "head first": _TRICKS["head-first"].fields(has_it=True),
}
OVERFITTING = (4, 8, 16, 50)  # photographs a class, which the slider offers too


@dataclass(frozen=True, slots=True)
class Run:
    """One training; of another recipe it is another one."""

    trick: str
    side: str
    data: str
    rate: float
    seed: int
    recipe: str  # the other fields of ``FineTune`` as JSON


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a trick on a data set."""

    trick: str
    name: str  # "without" or "with", or a way of ``FAR``
    data: str
    fields: Mapping[str, Any]

    @property
    def rates(self) -> tuple[float, ...]:
        """What it may choose from; one where the learning rate is the trick, or the usual one."""
        if self.trick == "overfitting" or (
            self.trick in _TRICKS and _TRICKS[self.trick].is_about_rates
        ):
            return (self.fields["learning_rate"],)
        return RATES[self.fields["mode"], self.fields.get("optimiser", "adamw")]

    def run(self, rate: float, seed: int) -> Run:
        """One of its runs."""
        fields = {key: value for key, value in self.fields.items() if key != "learning_rate"}
        recipe = json.dumps(fields, sort_keys=True)
        return Run(self.trick, self.name, self.data, rate, seed, recipe)


class PartedStore(DatasetStore):
    """Data sets whose validation part is the choosing part, and whose tests have the testing part.

    The photographs that a data set holds out are its testing part; where it holds out none, 54 of
    each class are.
    """

    def packaged(self, key: str) -> Dataset | None:
        """As the store's, in parts."""
        dataset = super().packaged(key)
        return dataset and _parted(dataset, _CHOOSING[COLOURED if COLOURED in key else key])

    def open(self, index: FolderIndex) -> Dataset:
        """As the store's, in parts."""
        return _parted(super().open(index), _CHOOSING[CATS_AND_DOGS])


def _parted(dataset: Dataset, choosing_per_class: int) -> Dataset:
    testing = tuple(e for e in dataset.examples if e.side == "validation")
    testing = testing or sample_per_class(dataset.examples, _TESTING, seed=0)
    left = _without(dataset.examples, testing)
    choosing = sample_per_class(left, choosing_per_class, seed=1)
    learning = [replace(e, side="train") for e in _without(left, choosing)]
    held_out = [replace(e, side="validation") for e in choosing]
    return replace(
        dataset, examples=(*learning, *held_out), tests={_TEST: testing, **dataset.tests}
    )


def _without(examples: Sequence[Example], others: Sequence[Example]) -> list[Example]:
    keys = {example.key for example in others}
    return [example for example in examples if example.key not in keys]


def main(argv: Sequence[str]) -> int:
    """Measure what is missing, print the tables, and write the figures that the page quotes."""
    parser = argparse.ArgumentParser(prog="python -m tl_core bench tricks")
    parser.add_argument("--data", type=Path, default=Settings.from_env().data_dir)
    parser.add_argument("--runs", type=Path, default=RUNS, help="a line a run; what is there stays")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", nargs="*", choices=_STUDIES, default=[])
    parser.add_argument("--table", action="store_true", help="measure nothing")
    arguments = parser.parse_args(argv)
    if not arguments.table:
        for trick in arguments.only or _STUDIES:
            _measure(trick, arguments)
    found = read(arguments.runs)
    figures = summarised(found)
    SUMMARY.write_text(json.dumps(figures, indent=1) + "\n")
    print(table(figures), far_table(found), overfitting_table(found), sep="\n\n")
    return 0


def _measure(trick: str, arguments: argparse.Namespace) -> None:
    """Every learning rate with the choosing seeds, then the better one with the others."""
    sides = list(sides_of(trick))
    path, data, processes = arguments.runs, arguments.data, arguments.processes
    tries = [s.run(rate, seed) for s in sides for rate in s.rates for seed in CHOOSING_SEEDS]
    do_missing(do, tries, path, data, processes)
    found = read(path)
    rest = [side.run(chosen_rate(found, side), seed) for side in sides for seed in SEEDS]
    do_missing(do, rest, path, data, processes)


def sides_of(key: str) -> Iterator[Side]:
    """Both sides of a trick on each of its data sets; the ways of the other two studies."""
    if key == "far":
        for name, fields in FAR.items():
            yield Side(key, name, COLOURED, fields | {"photos_per_class": 10, "dataset": COLOURED})
        return
    if key == "overfitting":
        usual = {
            "dataset": "digits",
            "mode": "head",
            "learning_rate": mode_row("head").learning_rate,
        }
        for count in OVERFITTING:
            yield Side(key, str(count), "digits", usual | {"photos_per_class": count})
        return
    for data in dict.fromkeys(("digits", _TRICKS[key].data, CATS_AND_DOGS)):
        for name in ("without", "with"):
            yield Side(key, name, data, fields_of(_TRICKS[key], data, has_it=name == "with"))


def fields_of(trick: Trick, data: str, *, has_it: bool) -> dict[str, Any]:
    """The fields of a run."""
    chosen = trick.fields(has_it=has_it)
    chosen["photos_per_class"] *= 5 if data == CATS_AND_DOGS else 1  # of two classes, not of ten
    return {"dataset": data, **chosen}


def read(path: Path) -> dict[Run, dict[str, Any]]:
    """Return the runs of a file and what each found."""
    return {Run(**line.pop("run")): line for line in lines_of(path)}


def chosen_rate(found: Mapping[Run, Mapping[str, Any]], side: Side) -> float:
    """Return the rate with more right on the choosing part; of equals the one with less loss."""

    def rank(rate: float) -> tuple[float, float]:
        runs = [found[side.run(rate, seed)] for seed in CHOOSING_SEEDS]
        return fmean(run["choosing"] for run in runs), -fmean(run["loss"] for run in runs)

    return max(side.rates, key=rank)


def do(run: Run, context: Context) -> dict[str, Any]:
    """Train, keep the epoch that is best on the choosing part, and test it once.

    A run that diverges in its first epoch counts as chance.
    """
    parted = replace(context, datasets=PartedStore(context.settings))
    fields = json.loads(run.recipe)
    try:
        end = fine_tuned(parted, **fields, learning_rate=run.rate, seed=run.seed)
    except Diverged:
        chance = 0.5 if run.data == CATS_AND_DOGS else 0.1
        return {"choosing": chance, "loss": 1e9, "tests": {_TEST: chance}, "has_diverged": True}
    assert end.result is not None
    best = next(point for point in end.epochs if point.epoch == end.best_epoch)
    batches = -(-end.train_photographs // fields.get("batch_size", 32))
    return {
        "choosing": round(end.result.accuracy, 4),
        "loss": round(best.validation_loss, 4),
        "tests": {name: round(found.accuracy, 4) for name, found in end.result.shifts},
        "train": round(best.train_accuracy, 4),
        "updates": batches * len(end.epochs),
        "is_head_alone": end.result.is_head_alone,
        "has_diverged": end.result.has_diverged,
    }


def runs_of(found: Mapping[Run, Mapping[str, Any]], side: Side) -> list[Mapping[str, Any]] | None:
    """A side's five runs at its chosen rate; None if one is missing."""
    tries = [side.run(rate, seed) for rate in side.rates for seed in CHOOSING_SEEDS]
    if not all(run in found for run in tries):
        return None
    rate = chosen_rate(found, side)
    runs = [found.get(side.run(rate, seed)) for seed in SEEDS]
    return [{"rate": rate, **run} for run in runs if run] if all(runs) else None


def summarised(found: Mapping[Run, Mapping[str, Any]]) -> dict[str, Any]:
    """By data set and trick: without it, with it, and the mean difference with its 95 % interval.

    On the testing part. The differences are of pairs with the same seed.
    """
    figures: dict[str, Any] = {}
    for key in _TRICKS:
        for without, with_it in _pairs(list(sides_of(key))):
            sides = [runs_of(found, side) for side in (without, with_it)]
            if not all(sides):
                continue
            tests = [[run["tests"][_TEST] for run in side or ()] for side in sides]
            figures.setdefault(without.data, {})[key] = {
                "without": round(fmean(tests[0]), 3),
                "with": round(fmean(tests[1]), 3),
                "difference": _interval([b - a for a, b in zip(*tests, strict=True)]),
                "rates": [side[0]["rate"] for side in sides if side],
                "train": [round(_mean(side, "train"), 3) for side in sides if side],
                "seconds": round(fmean(run["seconds"] for s in sides for run in s or ()), 1),
            }
    return {data: figures[data] for data in DATA if data in figures}


def _mean(runs: Sequence[Mapping[str, Any]], name: str) -> float:
    return fmean(run.get(name, 0.0) for run in runs)


def _pairs(sides: Sequence[Side]) -> Iterator[tuple[Side, Side]]:
    return zip(sides[::2], sides[1::2], strict=True)


def _interval(differences: Sequence[float]) -> tuple[float, float, float]:
    """The mean, and the ends of its 95 % interval by Student's t."""
    from scipy.stats import t

    mean, count = fmean(differences), len(differences)
    spread = math.sqrt(sum((one - mean) ** 2 for one in differences) / (count - 1) / count)
    reach = float(t.ppf(0.975, count - 1)) * spread
    return round(mean, 3), round(mean - reach, 3), round(mean + reach, 3)


def table(figures: Mapping[str, Any]) -> str:
    """As Markdown."""
    lines = ["| data | trick | without | with it | difference | rates | s |", "|---" * 7 + "|"]
    for data, tricks in figures.items():
        for key, found in tricks.items():
            mean, low, high = found["difference"]
            words = f"{100 * mean:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"
            shares = f"{100 * found['without']:.1f} % | {100 * found['with']:.1f} %"
            rates = ", ".join(f"{rate:g}" for rate in found["rates"])
            lines.append(f"| {data} | {key} | {shares} | {words} | {rates} | {found['seconds']} |")
    return "\n".join(lines)


def far_table(found: Mapping[Run, Mapping[str, Any]]) -> str:
    """What each way knows of the colours it learned with, and of others, as Markdown."""
    lines: list[str] = []
    for side in sides_of("far"):
        runs = runs_of(found, side)
        if runs:
            lines = lines or [f"| way | {' | '.join(runs[0]['tests'])} | rate |"]
            shares = (100 * fmean(run["tests"][name] for run in runs) for name in runs[0]["tests"])
            words = " | ".join(f"{share:.1f} %" for share in shares)
            lines.append(f"| {side.name} | {words} | {runs[0]['rate']:g} |")
    return "\n".join(lines)


def overfitting_table(found: Mapping[Run, Mapping[str, Any]]) -> str:
    """What few photographs teach of themselves, and what of others, as Markdown."""
    lines = ["| photographs a class | training | test | difference |", "|--:" * 4 + "|"]
    for side in sides_of("overfitting"):
        runs = runs_of(found, side) or []
        if runs:
            train, test = _mean(runs, "train"), fmean(run["tests"][_TEST] for run in runs)
            shares = (100 * share for share in (train, test, train - test))
            lines.append(f"| {side.name} | {' | '.join(f'{share:.1f} %' for share in shares)} |")
    return "\n".join(lines)
