"""How well a taught model says "none of these": ``python -m tl_core bench unknown --data DIR``.

Cats and dogs taught, shown what is far from both; four breeds taught, shown the other eight. The
distance to the nearest example stands beside two scores of the trained head on the same features.
"""

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tests.bench._trials import (
    Embedded,
    Trial,
    area_of,
    areas_of,
    digit_rows,
    embed_data,
    far_files,
    far_rows,
    mean_of,
    near_trial,
    rows_of,
    shares_turned_away,
    sides_of,
)
from tests.bench.train import BREEDS, CATS_AND_DOGS, fine_tuned, lab
from tl_core.backbones.novelty import distances_to
from tl_core.context import Context
from tl_core.datasets.dataset import sample_per_class
from tl_core.settings import Settings
from tl_core.specs.training import FineTune
from tl_core.training.data import split_by_spec

COUNTS, SEEDS, NEAR_DRAWS = (8, 10, 20, 100), 10, 30
SHARES = (0.05, 0.10)
ALARMS = [0.01, 0.02, 0.05, 0.10, 0.15, 0.20]
PICTURE = Path(__file__).parents[2] / "assets" / "unknown.json"
_UNFROZEN_SEEDS = 3
_ROUGH_DRAWS, _ROUGH_COUNT = 40, 8

Table = dict[str, str]


def main(argv: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tl_core bench unknown")
    parser.add_argument("--data", type=Path, default=Settings.from_env().data_dir)
    parser.add_argument("--backbone", default="efficientnet_lite0")
    parser.add_argument("--part", choices=[*PARTS, "all"], default="all")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args(argv)
    chosen = PARTS if arguments.part == "all" else {arguments.part: PARTS[arguments.part]}
    figures: dict[str, Any] = {}
    with lab(arguments.data) as context:
        for measure in chosen.values():
            found = measure(context, arguments.backbone)
            figures |= found
            for name, value in found.items():
                print(f"{name:56} {value}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures))
    return 0


def far_and_digits(context: Context, key: str) -> Table:
    """Cats and dogs against what is neither, by photographs a class."""
    data = embed_data(context, key, CATS_AND_DOGS)
    shown = {"far": far_rows(context, key), "digits": digit_rows(context, key)}
    taught, held_out = sides_of(data)
    table: Table = {}
    for count in COUNTS:
        drawn = [Trial(data, taught, held_out, count, seed) for seed in range(SEEDS)]
        for name, unknown in shown.items():
            for score, areas in areas_of(drawn, unknown).items():
                table[f"{count} a class, {name}, area, {score}"] = mean_of(areas)
        for share in SHARES:
            for name, values in shares_turned_away(drawn, shown, share).items():
                table[f"{count} a class, {share:.0%} set, {name}"] = mean_of(values)
    return table


def near(context: Context, key: str) -> Table:
    """Four of the twelve breeds taught, the other eight unknown."""
    data = embed_data(context, key, BREEDS)
    found: dict[str, list[float]] = defaultdict(list)
    for seed in range(NEAR_DRAWS):
        trial, unknown = near_trial(data, seed)
        for score, areas in areas_of([trial], unknown).items():
            found[f"near, area, {score}"] += areas
        for share in SHARES:
            for name, values in shares_turned_away([trial], {"near": unknown}, share).items():
                found[f"near, {share:.0%} set, {name}"] += values
    return {name: mean_of(values) for name, values in found.items()}


def neighbours(context: Context, key: str) -> Table:
    """The mean of k distances in place of the smallest: area under the curve, far pictures."""
    data, unknown = embed_data(context, key, CATS_AND_DOGS), far_rows(context, key)
    taught, held_out = sides_of(data)
    table: Table = {}
    for count in COUNTS:
        for k in (1, 2, 3):
            areas = []
            for seed in range(SEEDS):
                known = F.normalize(data.of(sample_per_class(taught, count, seed=seed)), dim=1)
                far, own = (
                    1 - (F.normalize(rows, dim=1) @ known.T).topk(k, dim=1)[0].mean(1)
                    for rows in (unknown, data.of(held_out))
                )
                areas.append(area_of(own, far))
            table[f"{count} a class, far, area, mean of {k}"] = mean_of(areas)
    return table


def capped(context: Context, key: str) -> Table:
    """Fewer reference vectors than the model was taught with: what is turned away at 5 %."""
    data, unknown = embed_data(context, key, CATS_AND_DOGS), far_rows(context, key)
    taught, held_out = sides_of(data)
    table: Table = {}
    for kept in (25, 50, 100, 200, 300):
        trials = [Trial(data, taught, held_out, kept, seed) for seed in range(SEEDS)]
        for name, values in shares_turned_away(trials, {"far": unknown}, SHARES[0]).items():
            table[f"{2 * kept} of 600 kept, {name}"] = mean_of(values)
        table[f"{2 * kept} of 600 kept, area"] = mean_of(areas_of(trials, unknown)["nearest"])
    return table


def unfrozen(context: Context, key: str) -> Table:
    """Networks whose body has changed: by their own embedding, and by that of the frozen one."""
    data, table = embed_data(context, key, CATS_AND_DOGS), Table()
    _taught, held_out = sides_of(data)
    frozen, far = context.backbones.load(key), far_files()
    own, dataset = [data.dataset.read(example) for example in held_out], data.dataset
    for mode in ("last-block", "full"):
        found: dict[str, list[float]] = defaultdict(list)
        for seed in range(_UNFROZEN_SEEDS):
            end = fine_tuned(
                context,
                dataset=CATS_AND_DOGS,
                backbone=key,
                mode=mode,
                photos_per_class=20,
                seed=seed,
                head_first=False,  # or the head may be kept, with the frozen body
            )
            assert end.result is not None
            model = context.backbones.load(end.result.model)
            assert model.novelty is not None
            chosen = sample_per_class(
                split_by_spec(dataset, FineTune(dataset="x")).train, 20, seed=seed
            )
            by_frozen = F.normalize(data.of(chosen), dim=1).half()
            for name, network, reference in (
                ("own", model, model.novelty.reference),
                ("frozen", frozen, by_frozen),
            ):
                known, unknown = rows_of(network, own), rows_of(network, far)
                scores = [distances_to(reference, rows)[0] for rows in (known, unknown)]
                found[f"area by the {name} embedding"].append(area_of(*scores))
                if name == "own":
                    for what, rows in (("false alarms", known), ("far turned away", unknown)):
                        away = [one.p_value <= SHARES[0] for one in model.novelty.judge(rows)]
                        found[f"5% set, {what}"].append(fmean(away))
        for name, values in found.items():
            table[f"{mode}, 20 a class, {name}"] = mean_of(values)
    return table


def curves(context: Context, key: str) -> Table:
    """Share turned away against false alarms, as the page draws it; written to ``PICTURE``."""
    data, breeds = embed_data(context, key, CATS_AND_DOGS), embed_data(context, key, BREEDS)
    unknown = {"far": far_rows(context, key), "digits": digit_rows(context, key)}
    taught, held_out = sides_of(data)
    found: dict[str, list[list[float]]] = defaultdict(list)
    for seed in range(SEEDS):
        trial = Trial(data, taught, held_out, 20, seed)
        own = trial.scores(trial.held_out)
        for what, rows in unknown.items():
            for name, scores in trial.scores(rows).items():
                found[f"{what}, {name}"].append(_shares_away(own[name], scores))
    for seed in range(NEAR_DRAWS):
        trial, others = near_trial(breeds, seed)
        own, away = trial.scores(trial.held_out), trial.scores(others)
        for name in own:
            found[f"near, {name}"].append(_shares_away(own[name], away[name]))
    lines = {
        name: [round(fmean(column), 4) for column in zip(*rows, strict=True)]
        for name, rows in found.items()
    }
    PICTURE.write_text(json.dumps({"false alarms": ALARMS, "turned away": lines}, indent=1) + "\n")
    return {name: ", ".join(map(str, values)) for name, values in lines.items()}


def _shares_away(own: Tensor, unknown: Tensor) -> list[float]:
    """Shares of the unknown that lie beyond what shares ``ALARMS`` of its own exceed."""
    return [float((unknown > own.quantile(1 - share)).float().mean()) for share in ALARMS]


def rough(context: Context, key: str) -> Table:
    """Distances that 20 ... 1 % of new photographs exceed, taught with few; and what they do."""
    data, breeds = embed_data(context, key, CATS_AND_DOGS), embed_data(context, key, BREEDS)
    distances = torch.cat([_few(data, 2), _few(breeds, 4)])
    tail = [float(distances.quantile(1 - share / 100)) for share in range(20, 0, -1)]
    shown = {"far": far_rows(context, key), "digits": digit_rows(context, key)}
    taught, held_out = sides_of(data)
    table: Table = {"distances of 20 ... 1 %": ", ".join(f"{value:.3f}" for value in tail)}
    for count in (4, 8):
        drawn = [Trial(data, taught, held_out, count, seed, tail) for seed in range(SEEDS)]
        for share in SHARES:
            for name, values in shares_turned_away(drawn, shown, share).items():
                table[f"rough, {count} a class, {share:.0%} set, {name}"] = mean_of(values)
    return table


def _few(data: Embedded, classes: int) -> Tensor:
    """Distances of photographs that were not taught, over draws of some classes and few of each."""
    labels, found = sorted({e.label for e in data.examples}), []
    for seed in range(_ROUGH_DRAWS):
        chosen = random.Random(seed).sample(labels, classes)
        known = [example for example in data.examples if example.label in chosen]
        taught = sample_per_class(known, _ROUGH_COUNT, seed=seed)
        keys = {example.key for example in taught}
        reference = F.normalize(data.of(taught), dim=1).half()
        others = data.of(example for example in known if example.key not in keys)
        found.append(distances_to(reference, others)[0])
    return torch.cat(found)


PARTS: dict[str, Callable[[Context, str], Table]] = {
    "far": far_and_digits,
    "near": near,
    "neighbours": neighbours,
    "capped": capped,
    "rough": rough,
    "unfrozen": unfrozen,
    "curves": curves,
}
