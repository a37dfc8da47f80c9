"""The handler of ``LabelBudget``: accuracy by photographs a class, with ImageNet and without."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import torch
import torch.nn.functional as F
from torch import Tensor

from tl_core.context import Context
from tl_core.datasets.dataset import Dataset, Example, Split, sample_per_class
from tl_core.engine.job import Job
from tl_core.engine.runner import SLICE_S, Sliced
from tl_core.errors import UserError
from tl_core.errors import gettext_noop as N_
from tl_core.specs.base import Snapshot
from tl_core.specs.training import BudgetPoint, LabelBudget, LabelBudgetSnapshot, Start
from tl_core.training.data import open_dataset, split_by_spec
from tl_core.training.embeddings import embeddings
from tl_core.training.initial import starting_point
from tl_core.training.inputs import OnProgress, PhotoSource, chunks
from tl_core.training.trainable import new_head

STARTS: tuple[Start, ...] = ("trained", "pixels", "random")  # the quickest to compute second
_EPOCHS, _LEARNING_RATE, _BATCH = 30, 1e-3, 32


def label_budget(job: Job[LabelBudget], context: Context) -> Sliced[Snapshot]:
    """Train small heads on ever more photographs, from three starts and several seeds each.

    Counts that a class does not have are left out. Each point is published as it is measured.

    Raises:
        UserError: If the data or the network cannot be had, or nothing is there to test on.
    """
    return (yield from _Run(job, context).run())


class _Run:
    """One run and its newest snapshot."""

    def __init__(self, job: Job[LabelBudget], context: Context) -> None:
        self.job = job
        self.context = context
        self.spec = job.spec
        self.began = job.worked_s()
        self.snapshot = LabelBudgetSnapshot(phase=N_("opening the data"))
        self.dataset: Dataset
        self.parts: Split
        self.publish()

    def run(self) -> Sliced[LabelBudgetSnapshot]:
        spec = self.spec
        self.dataset = yield from open_dataset(self.job, self.context, spec, self._on_progress())
        self.parts = split_by_spec(self.dataset, spec)
        if not self.parts.validation:
            raise UserError(
                "All photographs of a class come from one recording, so none are left to check "
                "the result on. Record each class again from another angle."
            )
        counts = possible_counts(spec.counts, self.parts.train)
        self.publish(validation_photographs=len(self.parts.validation))
        for start in STARTS:
            self.publish(phase=N_("extracting features"))
            features = yield from self._features(start, max(counts))
            self.publish(phase=N_("training heads"), photographs_per_s=0.0)
            for count in counts:
                accuracies = []
                for seed in range(spec.seed, spec.seed + spec.repeats):
                    accuracies.append((yield from self._accuracy(features, count, seed)))
                    yield None
                low, high = min(accuracies), max(accuracies)
                point = BudgetPoint(count, start, fmean(accuracies), low, high)
                points = (*self.snapshot.points, point)
                self.publish(points=points, step=len(points), steps=len(STARTS) * len(counts))
        self.publish(phase=N_("done"))
        return self.snapshot

    def publish(self, **changes: object) -> None:
        seconds = self.job.worked_s() - self.began
        self.snapshot = replace(self.snapshot, seconds=seconds, **changes)  # type: ignore[arg-type]
        self.job.publish(self.snapshot)

    def _on_progress(self) -> OnProgress:
        """Report photographs a second from now on."""
        began = self.job.worked_s()

        def on_progress(done: int, _total: int) -> None:
            self.publish(photographs_per_s=done / max(self.job.worked_s() - began, 1e-9))

        return on_progress

    def _features(self, start: Start, most: int) -> "Sliced[_Features]":
        """Embeddings of all photographs that any seed trains on, and of the validation ones."""
        spec = self.spec
        backbone = yield from starting_point(start, spec.backbone, spec.seed, self.context)
        train = {
            example.key: example
            for seed in range(spec.seed, spec.seed + spec.repeats)
            for example in sample_per_class(self.parts.train, most, seed=seed)
        }
        owner, on_progress = min(self.job.owners), self._on_progress()
        source = PhotoSource(self.context, self.dataset, owner, on_progress)
        examples = (*train.values(), *self.parts.validation)
        found = (yield from embeddings(source, backbone, examples)).float()
        self.job.held_bytes = found.nbytes
        return _Features(dict(zip(train, found, strict=False)), found[len(train) :])

    def _accuracy(self, features: "_Features", count: int, seed: int) -> Sliced[float]:
        """Train one head on ``count`` photographs a class; return its validation accuracy."""
        chosen = sample_per_class(self.parts.train, count, seed=seed)
        inputs = torch.stack([features.train[example.key] for example in chosen])
        labels = torch.tensor([example.label for example in chosen], device=inputs.device)
        head = new_head(inputs.shape[1], len(self.dataset.classes), None).to(inputs.device)
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
        truth = torch.tensor([e.label for e in self.parts.validation], device=inputs.device)
        with torch.no_grad():
            return float(head(features.validation).argmax(1).eq(truth).double().mean())


@dataclass(frozen=True, slots=True)
class _Features:
    """Embeddings (D,) by photograph to train on, and (N, D) to test on."""

    train: dict[str, Tensor]
    validation: Tensor


def possible_counts(counts: Sequence[int], examples: Sequence[Example]) -> tuple[int, ...]:
    """The counts that the smallest class can serve, at least one of them; its own size if none."""
    keys: dict[int, set[str]] = {}
    for example in examples:
        keys.setdefault(example.label, set()).add(example.key)
    smallest = min(len(photos) for photos in keys.values())
    return tuple(sorted({c for c in counts if c <= smallest} or {smallest}))
