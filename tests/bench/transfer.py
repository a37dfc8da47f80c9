"""What transfer is worth, measured fairly: ``python -m tl_core bench transfer --data DIR``.

Five ways to learn the same few photographs, with the same updates and the same number of learning
rates to choose from. Every run is a line of a file, so that a study that was broken off goes on.
"""

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from statistics import median
from typing import Any

import torch

from tests.bench._lines import do_missing, lines_of
from tests.bench.train import BREEDS, CATS_AND_DOGS, finish
from tl_core.backbones.backbone import Backbone
from tl_core.context import Context
from tl_core.datasets.dataset import Dataset, Example, sample_per_class
from tl_core.engine.job import Job
from tl_core.settings import Settings
from tl_core.specs.training import FineTune, FineTuneSnapshot, mode_row
from tl_core.training.data import open_dataset
from tl_core.training.embeddings import Extractor, embeddings, extract
from tl_core.training.initial import starting_point
from tl_core.training.inputs import Inputs, PhotoInputs, PhotoSource, PrecomputedInputs, map_photos
from tl_core.training.loop import Diverged, TrainingLoop
from tl_core.training.progress import Progress
from tl_core.training.trainable import TrainableModel

RUNS = Path(__file__).parent / "transfer.jsonl"
PICTURE = Path(__file__).parents[2] / "assets" / "transfer.json"
# Written down before the first run: the lab's own rate of each way, and another one
RATES = {
    "head": (1e-3, 1e-2),
    "last-block": (1e-4, 1e-3),
    "full": (5e-5, 5e-4),
    "scratch": (1e-3, 3e-4),
    "pixels": (1e-3, 1e-2),
}
_IN_TURN = (  # data and photographs a class
    ("digits", (1, 5, 20, 100)),
    (CATS_AND_DOGS, (5, 20)),
    (BREEDS, (5,)),
    (CATS_AND_DOGS, (100,)),
    (CATS_AND_DOGS, (1,)),
    (BREEDS, (1,)),
)
COUNTS = {
    data: sorted(count for name, counts in _IN_TURN for count in counts if name == data)
    for data, _counts in _IN_TURN
}
_LONGEST_FIRST = ("scratch", "full", "last-block", "pixels", "head")
_NAMES = {"digits": "digits", CATS_AND_DOGS: "cats and dogs", BREEDS: "twelve breeds"}
SEEDS = (0, 1, 2)
MOST_UNFROZEN = 200  # photographs in all
_CHOOSING = {"digits": 4, CATS_AND_DOGS: 20, BREEDS: 3}  # a class
_TESTING = {"digits": 54, BREEDS: 5}  # a class; cats and dogs come with a test
_BATCH, _LEAST_EPOCHS, _LEAST_UPDATES = 32, 20, 60
_BACKBONE = "efficientnet_lite0"
Point = dict[str, float]  # "photos", "rate", and accuracy: "median", "low", "high"
Picture = dict[str, dict[str, list[Point]]]  # by data set and way


@dataclass(frozen=True, slots=True)
class Run:
    """One training: which data, which way, photographs a class, learning rate and seed."""

    data: str
    way: str
    photos: int
    rate: float
    seed: int


@dataclass(frozen=True, slots=True)
class Parts:
    """Three parts of a data set without a photograph in common."""

    learning: tuple[Example, ...]
    choosing: tuple[Example, ...]  # of the learning rate and the best epoch
    testing: tuple[Example, ...]


def main(argv: Sequence[str]) -> int:
    """Measure what is missing, then print the table and write the picture's figures."""
    parser = argparse.ArgumentParser(prog="python -m tl_core bench transfer")
    parser.add_argument("--data", type=Path, default=Settings.from_env().data_dir)
    parser.add_argument("--runs", type=Path, default=RUNS, help="a line a run; what is there stays")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--table", action="store_true", help="measure nothing")
    arguments = parser.parse_args(argv)
    if not arguments.table:
        measure(arguments.runs, arguments.data, arguments.processes)
    picture = summarised(read(arguments.runs))
    PICTURE.write_text(json.dumps(picture, indent=1) + "\n")
    print(table(picture))
    return 0


def cells() -> Iterator[tuple[str, str, int]]:
    """Every data set, way and number of photographs a class."""
    for data, counts in COUNTS.items():
        classes = {"digits": 10, CATS_AND_DOGS: 2, BREEDS: 12}[data]
        for count in counts:
            for way in RATES:
                if way in ("head", "pixels") or count * classes <= MOST_UNFROZEN:
                    yield data, way, count


def measure(path: Path, data: Path, processes: int) -> None:
    """Every learning rate with the first seed, then the better one with the others.

    The part of the study that a reader misses least comes last, and in each the longest run first.
    """
    for name, counts in _IN_TURN:
        ours = [cell for cell in cells() if cell[0] == name and cell[2] in counts]
        ours.sort(key=lambda cell: (-cell[2], _LONGEST_FIRST.index(cell[1])))
        tries = [Run(*cell, rate, SEEDS[0]) for cell in ours for rate in RATES[cell[1]]]
        do_missing(do, tries, path, data, processes)
        found = read(path)
        rates = {cell: chosen_rate(found, cell) for cell in ours}
        rest = [Run(*cell, rates[cell], seed) for cell in ours for seed in SEEDS[1:]]
        do_missing(do, rest, path, data, processes)


def read(path: Path) -> dict[Run, dict[str, Any]]:
    """Return the runs of a file and what each found."""
    return {Run(**fields.pop("run")): fields for fields in lines_of(path)}


def chosen_rate(found: dict[Run, dict[str, Any]], cell: tuple[str, str, int]) -> float:
    """Return the rate with more right on the choosing part; of equals the one with less loss."""

    def rank(rate: float) -> tuple[float, float]:
        figures = found[Run(*cell, rate, SEEDS[0])]
        return figures["choosing"], -figures["loss"]

    return max(RATES[cell[1]], key=rank)


def do(run: Run, context: Context) -> dict[str, Any]:
    """Do one run."""
    return Study(run, context).figures()


@cache
def parts_of(context: Context, data: str) -> tuple[Dataset, Parts]:
    """Divide a data set; the test and the choosing part are the same for every run."""
    spec = FineTune(dataset=data)
    dataset = finish(open_dataset(Job(spec, "bench"), context, spec, lambda *_: None))
    testing = tuple(e for e in dataset.examples if e.side == "validation")
    testing = testing or sample_per_class(dataset.examples, _TESTING[data], seed=0)
    left = without(dataset.examples, testing)
    choosing = sample_per_class(left, _CHOOSING[data], seed=1)
    return dataset, Parts(without(left, choosing), choosing, testing)


def without(examples: Sequence[Example], others: Sequence[Example]) -> tuple[Example, ...]:
    """Return the examples of which no copy is among the others."""
    keys = {example.key for example in others}
    return tuple(example for example in examples if example.key not in keys)


def epochs_for(photographs: int) -> int:
    """Epochs for so many photographs, the same for every way."""
    updates = -(-photographs // _BATCH)
    return max(_LEAST_EPOCHS, -(-_LEAST_UPDATES // updates))


class Study:
    """One run: the learning part's sample is taught, the best epoch chosen, the test taken once.

    Of pretrained networks that are unfrozen, batch norm's weights and statistics stay and the head
    learns first (30 epochs), as the lab does; from scratch they learn.
    """

    def __init__(self, run: Run, context: Context) -> None:
        self.run = run
        self.context = context
        self.dataset, parts = parts_of(context, run.data)
        learning = sample_per_class(parts.learning, run.photos, seed=run.seed)
        self.parts = replace(parts, learning=learning)
        self.spec = FineTune(
            dataset=run.data,
            backbone=_BACKBONE,
            mode=run.way,
            epochs=epochs_for(len(learning)),
            learning_rate=run.rate,
            seed=run.seed,
        )
        self.source = PhotoSource(context, self.dataset, "bench", lambda *_: None)
        row = self.spec.mode_row
        self.start: Backbone = finish(starting_point(row.start, _BACKBONE, run.seed, context))

    def figures(self) -> dict[str, Any]:
        """Train and test."""
        about = {"epochs": self.spec.epochs, "learned": len(self.parts.learning)}
        try:
            trained = self.trained()
        except Diverged:
            chance = 1 / len(self.dataset.classes)
            return {**about, "choosing": chance, "loss": 1e9, "test": chance, "diverged": True}
        return {**about, **trained}

    def trained(self) -> dict[str, Any]:
        row = self.spec.mode_row
        is_head_first = row.unfrozen != "head" and row.start == "trained"
        model = self.model("head" if is_head_first else row.unfrozen)
        found = self.train(model)
        if is_head_first:
            network = self.model(row.unfrozen)
            network.head.load_state_dict(model.head.state_dict())
            found = self.train(network)
        return found

    def model(self, unfrozen: Any) -> TrainableModel:
        learns_norms = self.spec.mode_row.start == "random"
        return TrainableModel(
            self.start,
            self.dataset.classes,
            unfrozen=unfrozen,
            trains_batch_norm=learns_norms,
            seed=self.run.seed,
        )

    def train(self, model: TrainableModel) -> dict[str, Any]:
        job = Job(self.spec, "bench")
        progress = Progress(job, FineTuneSnapshot(phase="bench"))
        inputs = partial(self.inputs, model)
        learning, choosing, testing = map(
            inputs, (self.parts.learning, self.parts.choosing, self.parts.testing)
        )
        best = finish(TrainingLoop(job, model, learning, choosing, progress).run())
        model.restore(best.state)
        tested = finish(TrainingLoop(job, model, learning, testing, progress).validate(0))
        chosen = best.validation
        return {
            "choosing": round(chosen.accuracy, 4),
            "loss": round(chosen.loss, 4),
            "test": round(tested.accuracy, 4),
            "tested": len(testing.labels),
        }

    def inputs(self, model: TrainableModel, examples: Sequence[Example]) -> Inputs:
        labels = torch.tensor([example.label for example in examples])
        if model.unfrozen == "head":
            rows = finish(embeddings(self.source, self.start, examples))
            return PrecomputedInputs([rows], labels, self.run.seed)
        if model.cut:
            extractor = Extractor(self.start, model.frozen_layers)
            rows = finish(extract(self.source, extractor, examples, mirrored=False))
            return PrecomputedInputs([rows], labels, self.run.seed)
        photos = PhotoInputs(self.source, model, examples, "none", self.run.seed)
        photos.kept = finish(map_photos(self.source, self.start.row, examples, lambda p: p, 32))
        return photos


def summarised(found: dict[Run, dict[str, Any]]) -> Picture:
    """Median, worst and best seed of each cell whose runs are all there, by data set and way."""
    picture: Picture = {data: {way: [] for way in RATES} for data in COUNTS}
    for cell in cells():
        data, way, photos = cell
        if not all(Run(*cell, rate, SEEDS[0]) in found for rate in RATES[way]):
            continue
        rate = chosen_rate(found, cell)
        runs = [found[run] for seed in SEEDS if (run := Run(*cell, rate, seed)) in found]
        if len(runs) == len(SEEDS):
            tests = [run["test"] for run in runs]
            figures = {"median": median(tests), "low": min(tests), "high": max(tests)}
            picture[data][way].append({"photos": photos, "rate": rate} | figures)
    return {data: ways for data, ways in picture.items() if any(ways.values())}


def table(picture: Picture) -> str:
    """As Markdown: a line for each data set and number, a column for each way."""
    ways_said = " | ".join(mode_row(way).short.lower() for way in RATES)
    lines = [f"| photographs per class | {ways_said} |", "|---" * (1 + len(RATES)) + "|"]
    for data, ways in picture.items():
        points = {(way, point["photos"]): point for way in ways for point in ways[way]}
        for count in COUNTS[data]:
            row = [_words(points.get((way, count))) for way in RATES]
            lines.append(f"| {_NAMES[data]}, {count} | " + " | ".join(row) + " |")
    return "\n".join(lines)


def _words(point: Point | None) -> str:
    if point is None:
        return "-"
    return "{:.1f} % ({:.1f} to {:.1f})".format(
        *(100 * point[k] for k in ("median", "low", "high"))
    )
