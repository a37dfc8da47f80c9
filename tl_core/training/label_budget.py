"""The label budget: how many photographs a class are enough, and what ImageNet is worth there."""

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tl_core.context import Context
from tl_core.datasets.dataset import Dataset, Example, Split, take
from tl_core.engine.job import Job
from tl_core.engine.runner import SLICE_S, Sliced
from tl_core.specs import BudgetPoint, LabelBudget, LabelBudgetSnapshot, Snapshot
from tl_core.training.data import divide, open_dataset
from tl_core.training.embeddings import chunks, embeddings
from tl_core.training.initial import Start, starting_point
from tl_core.training.trainable import new_head

STARTS: tuple[Start, ...] = ("trained", "pixels", "random")  # the quickest to compute second
_EPOCHS, _LEARNING_RATE, _BATCH = 30, 1e-3, 32


@dataclass
class _Tally:
    """The snapshot so far, and when the work began on the job's own clock."""

    job: Job
    began: float
    snapshot: LabelBudgetSnapshot

    def publish(self, **changes: object) -> None:
        seconds = self.job.worked_s() - self.began
        self.snapshot = replace(self.snapshot, seconds=seconds, **changes)  # type: ignore[arg-type]
        self.job.publish(self.snapshot)


def label_budget(job: Job, context: Context) -> Sliced[Snapshot]:
    """Train small heads on ever more photographs, from three starts and several seeds each.

    Counts that a class does not have are left out. Each point is published as it is measured.

    Raises:
        UserError: If the data or the network cannot be had.
    """
    spec = job.spec
    if not isinstance(spec, LabelBudget):
        raise ValueError(f"expected a LabelBudget spec, got {type(spec).__name__}")
    tally = _Tally(job, job.worked_s(), LabelBudgetSnapshot(phase="opening the data"))
    tally.publish()
    dataset = yield from open_dataset(job, context, spec, _telling(tally))
    parts = divide(dataset, spec)
    counts = possible_counts(spec.counts, parts.train)
    total = len(STARTS) * len(counts)
    tally.publish(validation_photographs=len(parts.validation))
    for start in STARTS:
        tally.publish(phase="extracting features")
        table = yield from _table(job, context, spec, dataset, parts, start, tally)
        tally.publish(phase="training heads", photographs_per_s=0.0)
        for count in counts:
            accuracies = []
            for seed in range(spec.repeats):
                found = yield from _accuracy(table, parts, count, spec.seed + seed)
                accuracies.append(found)
                yield None
            point = BudgetPoint(count, start, fmean(accuracies), min(accuracies), max(accuracies))
            points = (*tally.snapshot.points, point)
            tally.publish(points=points, step=len(points), steps=total)
    tally.publish(phase="done")
    return tally.snapshot


def possible_counts(counts: Sequence[int], examples: Sequence[Example]) -> tuple[int, ...]:
    """The counts that the smallest class can serve, at least one of them; its own size if none."""
    keys: dict[int, set[str]] = {}
    for example in examples:
        keys.setdefault(example.label, set()).add(example.key)
    smallest = min(len(photos) for photos in keys.values())
    return tuple(sorted({c for c in counts if c <= smallest} or {smallest}))


@dataclass(frozen=True)
class _Table:
    """Embeddings of all photographs by key; ``validation`` those to test on."""

    rows: dict[str, Tensor]
    validation: Tensor
    classes: int


def _table(
    job: Job,
    context: Context,
    spec: LabelBudget,
    dataset: Dataset,
    parts: Split,
    start: Start,
    tally: _Tally,
) -> Sliced[_Table]:
    """Embeddings of the photographs that any of the seeds will ask for, and of the test."""
    backbone = yield from starting_point(start, spec.backbone, spec.seed, context)
    most = max(possible_counts(spec.counts, parts.train))
    wanted = {
        example.key: example
        for seed in range(spec.repeats)
        for example in take(parts.train, most, seed=spec.seed + seed)
    }
    examples = (*wanted.values(), *parts.validation)
    told = _telling(tally)
    found = yield from embeddings(
        job, context, context.embeddings, backbone, dataset, examples, told
    )
    rows = found.float()
    return _Table(
        rows=dict(zip(wanted, rows, strict=False)),
        validation=rows[len(wanted) :],
        classes=len(dataset.classes),
    )


def _telling(tally: _Tally) -> Callable[[int, int], None]:
    began = tally.job.worked_s()

    def told(done: int, _total: int) -> None:
        tally.publish(photographs_per_s=done / max(tally.job.worked_s() - began, 1e-9))

    return told


def _accuracy(table: _Table, parts: Split, count: int, seed: int) -> Generator[None, Any, float]:
    """Train one head on ``count`` photographs a class; its share of right answers in the test."""
    chosen = take(parts.train, count, seed=seed)
    inputs = torch.stack([table.rows[example.key] for example in chosen])
    labels = torch.tensor([example.label for example in chosen], device=inputs.device)
    head = new_head(inputs.shape[1], table.classes, None).to(inputs.device)
    optimiser = torch.optim.AdamW(head.parameters(), _LEARNING_RATE, fused=True)
    generator = torch.Generator().manual_seed(seed)
    slice_end = time.perf_counter() + SLICE_S
    for _ in range(_EPOCHS):
        order = torch.randperm(len(inputs), generator=generator).tolist()
        for batch in chunks(order, _BATCH):
            optimiser.zero_grad(set_to_none=True)
            F.cross_entropy(head(inputs[batch]), labels[batch]).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            if time.perf_counter() >= slice_end:
                yield None
                slice_end = time.perf_counter() + SLICE_S
    truth = torch.tensor([e.label for e in parts.validation], device=inputs.device)
    with torch.no_grad():
        return float(head(table.validation).argmax(1).eq(truth).double().mean())
