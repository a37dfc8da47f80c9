"""The training loop: epochs of micro-batches in slices, the best epoch kept."""

import math
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, assert_never

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tl_core.engine.job import Job
from tl_core.engine.runner import SLICE_S, Sliced
from tl_core.errors import UserError
from tl_core.errors import gettext_noop as N_
from tl_core.machine.device import autocast_bf16, is_out_of_memory, sent
from tl_core.specs.training import FineTune, Part, Schedule
from tl_core.training.inputs import Inputs, chunks
from tl_core.training.progress import Progress
from tl_core.training.trainable import TrainableModel

_PHASES = {"head": N_("training the head"), "network": N_("training the network")}
_HEAD_LEARNING_RATE = 1e-3  # of the head that trains before the rest
_HEAD_EPOCHS = 30
_MICRO_GFLOPS = 2.0  # on two CPU cores about 0.3 s forward and backward
_BATCH_NORM_BATCH = 16  # statistics over fewer photographs are noise ...
_LARGE_BATCH_NORM_BATCH = 8  # ... but a large network takes seconds for so many
_LARGE_GFLOPS = 2.0
_FORWARD_SHARE = 3  # forward and backward take so many times what forward takes
_VALIDATION_BATCH = 128
_WARM_UP_SHARE, _LEAST_FACTOR = 0.1, 0.01
_FIRST_UPDATES = 5  # in which the layers' gradients are measured


@dataclass(frozen=True, slots=True)
class Validation:
    """Figures of one epoch on the validation photographs; NaN where there are none."""

    epoch: int
    accuracy: float
    loss: float
    probs: Tensor  # (N, C), on the CPU

    @property
    def rank(self) -> tuple[float, float]:
        """Order of epochs: by accuracy, then by loss."""
        return self.accuracy, -self.loss


@dataclass(frozen=True, slots=True)
class BestEpoch:
    """The best epoch so far and the weights it had."""

    validation: Validation
    state: list[Tensor]
    has_diverged: bool = False  # training did, in a later epoch


class Diverged(UserError):
    """Training diverged in its first epoch."""


class TrainingLoop:
    """Trains one model; ``run`` is a generator that ends a slice at each yield.

    At most ``most`` photographs go through the whole network at once, twice as many where batch
    norm learns: statistics over two would be noise alone.
    """

    def __init__(
        self,
        job: Job[FineTune],
        model: TrainableModel,
        train: Inputs,
        validation: Inputs,
        progress: Progress,
        *,
        most: int = 1024,
    ) -> None:
        self.job = job
        self.spec = job.spec
        self.model = model
        self.train = train
        self.validation = validation
        self.progress = progress
        self.part: Part = "head" if model.unfrozen == "head" else "network"
        self.is_warm_up = self.part == "head" and self.spec.mode_row.unfrozen != "head"
        self.epochs = _HEAD_EPOCHS if self.is_warm_up else self.spec.chosen_epochs
        self.epochs_before = len(progress.snapshot.epochs)  # of the head that trained first
        self.optimiser = _optimiser(model.parameters(), self.spec)
        self.micro_size, self._validation_size = self._batch_sizes(most)
        self.photos_done = 0  # in training and validation
        self._epoch_began_at = 0  # in ``photos_done``
        self._gradients: list[Tensor] = []  # (layers,) of each of the first updates
        self._training_loss: Tensor | float = 0.0  # of the newest batch, on the device
        self._generator = torch.Generator().manual_seed(self.spec.seed)
        self._slice_end = time.perf_counter() + SLICE_S

    def _batch_sizes(self, most: int) -> tuple[int, int]:
        """Return the photographs at once in training and in validation.

        On a CPU these are as many as two cores train on in about 0.3 s, and at most ``most``. It
        depends on the spec, the network and the memory of the machine alone, so that equal seeds
        give equal curves.
        """
        size, row = self.spec.batch_size, self.model.start.row
        if self.part == "head":
            return size, _VALIDATION_BATCH
        if self.model.start.device.type != "cpu":
            return size, max(size, 8)
        micro = max(int(_MICRO_GFLOPS / max(row.gflops, 0.01)), 1)
        validation = _FORWARD_SHARE * micro
        if self.model.uses_batch_statistics:
            is_large = row.gflops > _LARGE_GFLOPS
            micro = max(micro, _LARGE_BATCH_NORM_BATCH if is_large else _BATCH_NORM_BATCH)
            most *= 2
        return min(size, micro, most), validation

    def run(self) -> Sliced[BestEpoch]:
        """Train to the end, or until it gets no better for as long as the spec says.

        A run that diverges after its first epoch ends there, and the best epoch before is kept. The
        last one is, where nothing is there to test on.

        Raises:
            UserError: If the device runs out of memory.
            Diverged: If the first epoch ends in numbers that are not finite.
        """
        best: BestEpoch | None = None
        has_test = len(self.validation.labels) > 0
        photographs = len(self.train.labels) + len(self.validation.labels)
        self.progress.phase(_PHASES[self.part], photographs * self.epochs)
        for epoch in range(self.epochs):
            yield from self.train_epoch(epoch)
            found = yield from self.validate(epoch)
            if not math.isfinite(self._latest_loss(found)):
                break
            if best is None or not has_test or found.rank > best.validation.rank:
                best = BestEpoch(found, self.model.state())
            self.progress.end_epoch(
                found.epoch,
                self.part,
                self._learning_rate(epoch + 1),
                (found.loss, found.accuracy),
                step=self.photos_done,
            )
            patience = self.job.current.early_stopping
            if patience and not self.is_warm_up and found.epoch - best.validation.epoch >= patience:
                break
        if best is None:
            raise Diverged(
                "Training flew apart: its numbers are no longer finite. Lower the learning rate or "
                "limit the gradient's length."
            )
        return replace(best, has_diverged=not math.isfinite(self._latest_loss(found)))

    def _latest_loss(self, found: Validation) -> float:
        """On the validation photographs, or without any, of the last training batch."""
        return found.loss if len(self.validation.labels) else float(self._training_loss)

    def train_epoch(self, epoch: int) -> Sliced[None]:
        """Train on every photograph once, in a new order; ``epoch`` counts from 0."""
        order = torch.randperm(len(self.train.labels), generator=self._generator).tolist()
        batches = chunks(order, self.spec.batch_size)
        micro = [piece for batch in batches for piece in chunks(batch, self.micro_size)]
        self.train.plan(micro, is_training=True)
        self._epoch_began_at = self.photos_done
        for number, batch in enumerate(batches):
            yield from self.update(batch, epoch, self._learning_rate(epoch + number / len(batches)))

    def update(self, batch: Sequence[int], epoch: int, learning_rate: float) -> Sliced[None]:
        """One step of the optimiser from one batch, a micro-batch at a time."""
        spec, labels = self.job.current, self.train.labels
        for piece in chunks(batch, self.micro_size):
            features = yield from self.train.next_batch()
            truth = labels[sent(torch.tensor(piece), labels.device)]
            with _refusing_out_of_memory(), self._casting():
                logits = self.model.logits(
                    features, dropout=spec.dropout, generator=self._generator
                )
                loss = F.cross_entropy(logits.float(), truth, reduction="sum")
                (loss / len(batch)).backward()  # type: ignore[no-untyped-call]
            self.photos_done += len(piece)
            share = (self.photos_done - self._epoch_began_at) / len(labels)
            hits, self._training_loss = logits.detach().argmax(1).eq(truth).sum(), loss.detach()
            point = self.epochs_before + epoch + share
            self.progress.add(self.photos_done, point, loss.detach(), hits, len(piece))
            yield from self._maybe_end_slice()
        self._measure_gradients()
        if spec.clip_norm:
            nn.utils.clip_grad_norm_(self.model.parameters(), spec.clip_norm)
        for group in self.optimiser.param_groups:
            group["lr"], group["weight_decay"] = learning_rate, spec.weight_decay
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)

    def _measure_gradients(self) -> None:
        """Note how long each layer's gradient is, in the first updates of an unfrozen network."""
        if self.part == "head" or len(self._gradients) >= _FIRST_UPDATES:
            return
        head, *body = (w.grad for w in self.model.parameters() if w.ndim > 1)
        layers = [gradient for gradient in (*body, head) if gradient is not None]
        self._gradients.append(torch.stack([gradient.norm() for gradient in layers]))
        if len(self._gradients) == _FIRST_UPDATES:
            mean = torch.stack(self._gradients).mean(0).tolist()
            self.progress.publish(gradients=tuple(mean))

    def validate(self, epoch: int) -> Sliced[Validation]:
        """Return the model's figures on photographs that it is never trained on."""
        labels, number = self.validation.labels, self.epochs_before + epoch + 1
        if not len(labels):
            return Validation(number, math.nan, math.nan, torch.empty(0, len(self.model.classes)))
        batches = chunks(range(len(labels)), self._validation_size)
        self.validation.plan(batches, is_training=False)
        found = []
        self.model.train_batch_norm(False)
        for batch in batches:
            features = yield from self.validation.next_batch()
            with torch.no_grad(), _refusing_out_of_memory(), self._casting():
                found.append(self.model.logits(features).float())
            self.photos_done += len(batch)
            self.progress.publish_if_due(step=self.photos_done)
            yield from self._maybe_end_slice()
        self.model.train_batch_norm(True)
        logits = torch.cat(found)
        loss = float(F.cross_entropy(logits, labels))
        accuracy = int(logits.argmax(1).eq(labels).sum()) / len(labels)  # MPS has no doubles
        probs = logits.softmax(1).cpu()
        return Validation(number, accuracy, loss, probs)

    def _learning_rate(self, done: float) -> float:
        start = _HEAD_LEARNING_RATE if self.is_warm_up else self.job.current.chosen_learning_rate
        return start * schedule_factor(self.job.current.schedule, min(done / self.epochs, 1.0))

    def _casting(self) -> AbstractContextManager[object]:
        """Mixed precision on a GPU; bfloat16 needs no scaling of the loss."""
        device = self.model.start.device
        return autocast_bf16(device, enabled=device.type == "cuda")

    def _maybe_end_slice(self) -> Generator[None, Any, None]:
        if time.perf_counter() >= self._slice_end:
            yield None
            self._slice_end = time.perf_counter() + SLICE_S


def schedule_factor(schedule: Schedule, share: float) -> float:
    """What the learning rate is multiplied with once ``share`` (0 to 1) of training is done.

    Source:
        Warm-up: Goyal et al. 2017, arXiv:1706.02677.
    """
    match schedule:
        case "constant":
            return 1.0
        case "step":
            return 0.1 ** min(int(share * 3), 2)
        case "warm-up" if share < _WARM_UP_SHARE:
            return max(share / _WARM_UP_SHARE, _LEAST_FACTOR)
        case "warm-up":
            share = (share - _WARM_UP_SHARE) / (1 - _WARM_UP_SHARE)
    return max(0.5 * (1 + math.cos(math.pi * share)), _LEAST_FACTOR)


def _optimiser(parameters: list[nn.Parameter], spec: FineTune) -> torch.optim.Optimizer:
    rate, decay = spec.chosen_learning_rate, spec.weight_decay
    fused = parameters[0].device.type in ("cpu", "cuda")
    match spec.optimiser:
        case "momentum":
            return torch.optim.SGD(
                parameters, rate, momentum=spec.momentum, weight_decay=decay, fused=fused
            )
        case "adamw":
            return torch.optim.AdamW(parameters, rate, weight_decay=decay, fused=fused)
        case unknown:
            assert_never(unknown)


@contextmanager
def _refusing_out_of_memory() -> Iterator[None]:
    """Put a device's lack of memory into words."""
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise UserError(
            "The device has too little memory for this batch. Choose a smaller batch size or "
            "unfreeze fewer layers."
        ) from error
