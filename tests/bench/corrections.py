"""What mistakes teach: ``python -m tl_core bench corrections --data DIR``.

Cats and dogs from eight photographs a class; then twenty more, one after another: the mistake of
which the head is surest among what it was not taught, or one at random. 300 others test it.
"""

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev

import torch
from torch import Tensor

from tests.bench._trials import embed_data, sides_of, trained_head
from tests.bench.train import CATS_AND_DOGS, lab
from tl_core.datasets.dataset import Example, sample_per_class
from tl_core.settings import Settings

START, MORE, EVERY, SEEDS = 8, 20, 5, 5
PICTURE = Path(__file__).parents[2] / "assets" / "corrections.json"


def main(argv: Sequence[str]) -> int:
    """Measure, print, and write what the page draws."""
    parser = argparse.ArgumentParser(prog="python -m tl_core bench corrections")
    parser.add_argument("--data", type=Path, default=Settings.from_env().data_dir)
    parser.add_argument("--backbone", default="efficientnet_lite0")
    options = parser.parse_args(argv)
    with lab(options.data) as context:
        data = embed_data(context, options.backbone, CATS_AND_DOGS)
    taught, held_out = sides_of(data)
    truth = torch.tensor([example.label for example in held_out])
    test, lines = data.of(held_out), {}
    for name, is_mistake in (("mistakes", True), ("at random", False)):
        found = []
        for seed in range(SEEDS):
            known = list(sample_per_class(taught, START, seed=seed))
            pool = [example for example in taught if example not in known]
            accuracies = []
            for step in range(MORE + 1):
                head = _head_of(data.of(known), known, seed)
                if step % EVERY == 0:
                    accuracies.append(_accuracy(head, test, truth))
                chosen = _next(head, data.of(pool), pool, seed + step, is_mistake=is_mistake)
                pool.remove(chosen)
                known.append(chosen)
            found.append(accuracies)
        lines[name] = [round(fmean(column), 4) for column in zip(*found, strict=True)]
        errors = [stdev(column) / SEEDS**0.5 for column in zip(*found, strict=True)]
        shown = zip(range(0, MORE + 1, EVERY), lines[name], errors, strict=True)
        print(f"{name:12}", *(f"{n}: {100 * a:.1f} ± {100 * e:.1f} %" for n, a, e in shown))
    steps = list(range(0, MORE + 1, EVERY))
    PICTURE.write_text(json.dumps({"photographs": steps, "accuracy": lines}, indent=1) + "\n")
    return 0


def _head_of(rows: Tensor, known: Sequence[Example], seed: int) -> torch.nn.Module:
    return trained_head(rows, torch.tensor([example.label for example in known]), seed)


@torch.no_grad()
def _accuracy(head: torch.nn.Module, rows: Tensor, truth: Tensor) -> float:
    return float(head(rows).argmax(1).eq(truth).float().mean())


@torch.no_grad()
def _next(
    head: torch.nn.Module, rows: Tensor, pool: Sequence[Example], seed: int, *, is_mistake: bool
) -> Example:
    """The mistake of which the head is surest, or the rightest that it is least sure of."""
    if not is_mistake:
        return random.Random(seed).choice(pool)
    truth = torch.tensor([example.label for example in pool])
    given = head(rows).softmax(1)[torch.arange(len(pool)), truth]
    return pool[int(given.argmin())]
