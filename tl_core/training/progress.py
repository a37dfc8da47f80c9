"""The progress of a training run: its curve, its figures, and when they are published."""

import time
from dataclasses import replace

import torch
from torch import Tensor

from tl_core.engine.job import Job
from tl_core.specs.training import CurvePoint, EpochPoint, FineTuneSnapshot, Part

MAX_CURVE_POINTS = 400
PUBLISH_EVERY_S = 0.25


class Progress:
    """Collects a run's figures and publishes them, a few times a second; for the worker only.

    Losses and hits are added up on the device and read only when a snapshot is due. Seconds and
    photographs a second are of this run's own work; the time left includes the turns of
    others on the device, at the pace of this phase.
    """

    def __init__(self, job: Job, snapshot: FineTuneSnapshot) -> None:
        self._job = job
        self._began = job.worked_s()
        self._phase_began = (self._began, self._awake_s())  # on either clock
        self._due = 0.0
        self._seen = 0  # photographs in this phase
        self._pending: list[tuple[Tensor, Tensor, int]] = []  # loss sums, hits, photographs
        self._epoch_sums = [0.0, 0.0, 0]
        self.snapshot = snapshot
        job.publish(snapshot)

    @property
    def seconds(self) -> float:
        """Of work since the run began."""
        return self._job.worked_s() - self._began

    def _awake_s(self) -> float:
        return time.monotonic() - self._job.paused_s

    def phase(self, name: str, steps: int) -> None:
        """Begin a new phase of ``steps`` steps."""
        self._phase_began = (self._job.worked_s(), self._awake_s())
        self._seen = 0
        self.publish(phase=name, step=0, steps=max(steps, 1), photographs_per_s=0.0)

    def count(self, done: int, total: int) -> None:
        """Note how many photographs of this phase are done."""
        self._seen = done
        self.publish_if_due(step=done, steps=max(total, 1))

    def add(self, step: int, epoch: float, loss_sum: Tensor, hits: Tensor, count: int) -> None:
        """Add one micro-batch; ``epoch`` counts from the beginning of the run."""
        self._pending.append((loss_sum.detach(), hits.detach(), count))
        self._seen += count
        if time.monotonic() >= self._due:
            self._read(epoch)
            self.publish_if_due(step=step)

    def _read(self, epoch: float) -> None:
        """Add what is pending to the curve as one point."""
        if not self._pending:
            return
        losses, all_hits, counts = zip(*self._pending, strict=True)
        # Added in double precision, so that the sums do not depend on when they are read
        loss, hits = (sum(torch.stack(values).tolist()) for values in (losses, all_hits))
        count = sum(counts)
        self._pending.clear()
        for place, value in enumerate((loss, hits, count)):
            self._epoch_sums[place] += value
        curve = [*self.snapshot.curve, CurvePoint(epoch, loss / count, hits / count)]
        if len(curve) > MAX_CURVE_POINTS:
            curve = thinned(curve)
        self.snapshot = replace(self.snapshot, curve=tuple(curve))

    def end_epoch(
        self,
        epoch: int,
        part: Part,
        learning_rate: float,
        validation: tuple[float, float],
        *,
        step: int,
    ) -> None:
        """Publish a finished epoch; ``validation`` is loss and accuracy."""
        self._read(float(epoch))
        loss, hits, count = self._epoch_sums
        self._epoch_sums = [0.0, 0.0, 0]
        point = EpochPoint(
            epoch, part, self.seconds, learning_rate, loss / count, hits / count, *validation
        )
        self.publish(step=step, epochs=(*self.snapshot.epochs, point))

    def publish_if_due(self, **changes: object) -> None:
        """Publish unless the last snapshot is recent."""
        if time.monotonic() >= self._due:
            self.publish(**changes)

    def publish(self, **changes: object) -> None:
        """Publish now."""
        self._due = time.monotonic() + PUBLISH_EVERY_S
        worked = self._job.worked_s() - self._phase_began[0]
        changed = replace(self.snapshot, seconds=self.seconds, **changes)  # type: ignore[arg-type]
        if worked > 0 and self._seen:
            changed = replace(changed, photographs_per_s=self._seen / worked)
        shared = self._awake_s() - self._phase_began[1]
        left = shared * (changed.steps - changed.step) / changed.step if changed.step else None
        self.snapshot = replace(changed, seconds_left=left)
        self._job.publish(self.snapshot)


def thinned(curve: list[CurvePoint]) -> list[CurvePoint]:
    """Half as many points, each the mean of two neighbours and standing where the second stood."""
    pairs = zip(curve[::2], curve[1::2], strict=False)
    merged = [
        CurvePoint(b.epoch, (a.loss + b.loss) / 2, (a.accuracy + b.accuracy) / 2) for a, b in pairs
    ]
    return merged + curve[len(curve) - len(curve) % 2 :]
