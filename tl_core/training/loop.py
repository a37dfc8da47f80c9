"""The training loop: epochs of micro-batches in slices, the best epoch kept."""

import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tl_core.device import autocast_bf16
from tl_core.engine.job import Job
from tl_core.engine.runner import SLICE_S, Sliced
from tl_core.errors import UserError
from tl_core.specs import FineTune
from tl_core.specs.fine_tune import Schedule
from tl_core.training.embeddings import chunks
from tl_core.training.inputs import Inputs
from tl_core.training.progress import Progress
from tl_core.training.trainable import Student

_HEAD_LEARNING_RATE = 1e-3  # of the head that learns before the rest
_HEAD_EPOCHS = 30
_MICRO_GFLOPS = 2.0  # on two CPU cores about 0.3 s forward and backward
_BATCH_NORM_BATCH = 16  # statistics over fewer photographs are noise ...
_LARGE_BATCH_NORM_BATCH = 8  # ... but a large network takes seconds for so many
_LARGE_GFLOPS = 2.0
_FORWARD_SHARE = 3  # forward and backward take so many times what forward takes
_TEST_BATCH = 128


@dataclass(frozen=True, slots=True)
class Tested:
    """How one epoch did on the validation photographs."""

    epoch: int
    accuracy: float
    loss: float
    probs: Tensor  # (N, C), on the CPU

    @property
    def rank(self) -> tuple[float, float]:
        """More accurate first, then surer."""
        return self.accuracy, -self.loss


@dataclass(frozen=True, slots=True)
class Best:
    """The best epoch so far and the weights it had."""

    tested: Tested
    state: list[Tensor]
    has_flown_apart: bool = False  # training did, in a later epoch


class FlewApart(UserError):
    """Training diverged before its first epoch was over."""


class Course:
    """One student's lessons: ``teach`` is a generator that ends a slice at each yield."""

    def __init__(
        self, job: Job, student: Student, train: Inputs, validation: Inputs, progress: Progress
    ) -> None:
        spec = job.spec
        if not isinstance(spec, FineTune):
            raise ValueError(f"expected a FineTune spec, got {type(spec).__name__}")
        self.spec = spec
        self.job = job
        self.student = student
        self.train = train
        self.validation = validation
        self.progress = progress
        self.part: Literal["head", "network"] = (
            "head" if isinstance(student.tail, nn.Identity) else "network"
        )
        self.is_warm_up = self.part == "head" and spec.way.unfrozen != "head"
        self.epochs = _HEAD_EPOCHS if self.is_warm_up else spec.chosen_epochs
        self.optimiser = _optimiser(student.parameters(), spec)
        self.micro_size = self._micro_size()
        self.looked = 0  # at so many photographs, to learn from or to be tested on
        self._generator = torch.Generator().manual_seed(spec.seed)
        self._slice_end = time.perf_counter() + SLICE_S

    def _micro_size(self) -> int:
        """Photographs at once: a whole batch on a GPU, on a CPU what takes about 0.3 s.

        It depends on the spec and the network alone, so that equal seeds give equal curves.
        """
        size = self.spec.batch_size
        if self.part == "head" or self.student.start.device.type != "cpu":
            return size
        micro = self._in_a_slice()
        if self.student.measures_batches:
            is_large = self.student.start.row.gflops > _LARGE_GFLOPS
            micro = max(micro, _LARGE_BATCH_NORM_BATCH if is_large else _BATCH_NORM_BATCH)
        return min(size, micro)

    def _test_size(self) -> int:
        if self.part == "head":
            return _TEST_BATCH
        if self.student.start.device.type != "cpu":
            return max(self.spec.batch_size, 8)
        return _FORWARD_SHARE * self._in_a_slice()

    def _in_a_slice(self) -> int:
        """Photographs that two CPU cores learn from in about 0.3 s."""
        return max(int(_MICRO_GFLOPS / max(self.student.start.row.gflops, 0.01)), 1)

    @property
    def current(self) -> FineTune:
        """The spec with every control moved since the start."""
        current = self.job.current
        return current if isinstance(current, FineTune) else self.spec

    def teach(self) -> Sliced[Best]:
        """Train to the end, or until it gets no better for as long as the spec says.

        A run that diverges after its first epoch ends there, and the best epoch before is kept.

        Raises:
            UserError: If the device runs out of memory or training diverges at once.
        """
        best: Best | None = None
        before = len(self.progress.snapshot.epochs)
        photographs = len(self.train.labels) + len(self.validation.labels)
        self.progress.phase(f"training the {self.part}", photographs * self.epochs)
        for epoch in range(self.epochs):
            yield from self.learn(epoch, before)
            tested = yield from self.test(epoch=before + epoch + 1)
            if not math.isfinite(tested.loss):
                return _before_it_flew_apart(best)
            if best is None or tested.rank > best.tested.rank:
                best = Best(tested, self.student.state())
            self.progress.end_epoch(
                tested.epoch,
                self.part,
                self._learning_rate(epoch + 1),
                (tested.loss, tested.accuracy),
                step=self.looked,
            )
            patience = self.current.early_stopping
            if patience and not self.is_warm_up and tested.epoch - best.tested.epoch >= patience:
                break
        if best is None:
            raise ValueError("no epoch was asked for")
        return best

    def learn(self, epoch: int, before: int) -> Sliced[None]:
        """One pass over the training photographs, in a new order."""
        order = torch.randperm(len(self.train.labels), generator=self._generator).tolist()
        batches = chunks(order, self.spec.batch_size)
        micro = [piece for batch in batches for piece in chunks(batch, self.micro_size)]
        self.train.plan(micro, is_training=True)
        started = self.looked

        def told(loss_sum: Tensor, hits: Tensor, count: int) -> None:
            self.looked += count
            share = (self.looked - started) / len(order)
            self.progress.learned(self.looked, before + epoch + share, loss_sum, hits, count)

        for number, batch in enumerate(batches):
            done = epoch + number / len(batches)
            yield from self._update(batch, self._learning_rate(done), told)

    def _update(
        self,
        batch: Sequence[int],
        learning_rate: float,
        told: Callable[[Tensor, Tensor, int], None],
    ) -> Sliced[None]:
        """One step from one batch, a micro-batch at a time.

        ``told`` hears of each: its loss, summed, its hits and how many photographs it has.
        """
        spec, student = self.current, self.student
        labels = self.train.labels
        for piece in chunks(batch, self.micro_size):
            taken = yield from self.train.take()
            truth = labels[torch.tensor(piece).to(labels.device, non_blocking=True)]
            with _refusing_out_of_memory(), self._casting():
                logits = student.logits(taken, dropout=spec.dropout, generator=self._generator)
                loss = F.cross_entropy(logits.float(), truth, reduction="sum")
                (loss / len(batch)).backward()  # type: ignore[no-untyped-call]
            told(loss.detach(), logits.detach().argmax(1).eq(truth).sum(), len(piece))
            yield from self._maybe_end_slice()
        if spec.clip_norm:
            nn.utils.clip_grad_norm_(student.parameters(), spec.clip_norm)
        for group in self.optimiser.param_groups:
            group["lr"], group["weight_decay"] = learning_rate, spec.weight_decay
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)

    def test(self, *, epoch: int) -> Sliced[Tested]:
        """How the student does now on photographs that it never learns from."""
        labels = self.validation.labels
        batches = chunks(range(len(labels)), self._test_size())
        self.validation.plan(batches, is_training=False)
        found = []
        with _testing(self.student):
            for batch in batches:
                taken = yield from self.validation.take()
                with torch.no_grad(), _refusing_out_of_memory(), self._casting():
                    found.append(self.student.logits(taken).float())
                self.looked += len(batch)
                self.progress.tick(step=self.looked)
                yield from self._maybe_end_slice()
        logits = torch.cat(found)
        loss = float(F.cross_entropy(logits, labels))
        accuracy = float(logits.argmax(1).eq(labels).double().mean())
        return Tested(epoch, accuracy, loss, logits.softmax(1).cpu())

    def _learning_rate(self, done: float) -> float:
        start = _HEAD_LEARNING_RATE if self.is_warm_up else self.current.chosen_learning_rate
        return start * schedule_factor(self.current.schedule, min(done / self.epochs, 1.0))

    def _casting(self) -> AbstractContextManager[object]:
        """Mixed precision on a GPU; bfloat16 needs no scaling of the loss."""
        device = self.student.start.device
        return autocast_bf16(device, enabled=device.type == "cuda")

    def _maybe_end_slice(self) -> Generator[None, Any, None]:
        if time.perf_counter() >= self._slice_end:
            yield None
            self._slice_end = time.perf_counter() + SLICE_S


def _before_it_flew_apart(best: Best | None) -> Best:
    if best is None:
        raise FlewApart(
            "Training flew apart: its numbers are no longer finite. Lower the learning rate or "
            "limit the gradient's length."
        )
    return replace(best, has_flown_apart=True)


def schedule_factor(schedule: Schedule, share: float) -> float:
    """What the learning rate is multiplied with once ``share`` (0 to 1) of training is done."""
    if schedule == "cosine":
        return max(0.5 * (1 + math.cos(math.pi * share)), 0.01)
    return 1.0 if schedule == "constant" else 0.1 ** min(int(share * 3), 2)


def _optimiser(parameters: list[nn.Parameter], spec: FineTune) -> torch.optim.Optimizer:
    rate, decay = spec.chosen_learning_rate, spec.weight_decay
    fused = parameters[0].device.type in ("cpu", "cuda")
    if spec.optimiser == "momentum":
        return torch.optim.SGD(
            parameters, rate, momentum=spec.momentum, weight_decay=decay, fused=fused
        )
    return torch.optim.AdamW(parameters, rate, weight_decay=decay, fused=fused)


@contextmanager
def _testing(student: Student) -> Iterator[None]:
    """Batch-norm layers that train measure nothing while the student is tested."""
    measuring = [module for module in student.tail.modules() if module.training]
    for module in measuring:
        module.training = False
    try:
        yield
    finally:
        for module in measuring:
            module.training = True


@contextmanager
def _refusing_out_of_memory() -> Iterator[None]:
    """Put a device's lack of memory into words."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise UserError(
            "The device has too little memory for this batch. Choose a smaller batch size or "
            "unfreeze less."
        ) from error
