"""How fast runs go, and so how long pictures would take that are begun now."""

import threading
from collections import defaultdict
from collections.abc import Hashable, Sequence

import torch

from tl_core.backbones.catalogue import BackboneRow
from tl_core.engine.job import Job, JobState
from tl_core.specs import Spec

_LEAST_GFLOPS = 0.01  # raw pixels have none, and yet take time


class Estimates:
    """Follows the runs under way; thread-safe.

    Pictures of one batch advance together. On a CPU a step of the batch takes as long as its
    pictures one after another, on a GPU about as long as one picture.
    """

    def __init__(self, device: torch.device) -> None:
        on_cpu = device.type == "cpu"
        # multiply-adds a second, in billions, before a run has shown better
        self._giga = 4.5 if on_cpu else 100.0
        self._abreast = 1 if on_cpu else 32  # pictures that take as long as one
        self._runs: list[tuple[Job, BackboneRow]] = []
        self._measured: dict[str, float] = {}  # seconds of a step of so many, by row
        self._lock = threading.Lock()

    def follow(self, job: Job, row: BackboneRow) -> None:
        """Take a new run into account until it is over; then it is dropped, with its pictures."""
        with self._lock:
            self._runs.append((job, row))
        job.when_over(self._let_go)

    def seconds(self, specs: Sequence[tuple[Spec, BackboneRow]]) -> float:
        """The time for all these runs, beside what is under way now; paused runs do not count.

        Others in the same batch cost their share of its steps. All other runs take turns with
        these, so that each holds them up by no more than what it has left or what they take.
        """
        others = [run for run in self.under_way() if run[0].state is not JobState.PAUSED]
        mine: defaultdict[Hashable, list[tuple[Spec, BackboneRow]]] = defaultdict(list)
        for spec, row in specs:
            mine[spec.batch_key or spec].append((spec, row))
        own_s = 0.0
        for key, group in mine.items():
            steps = [_steps(spec) for spec, _ in group]
            in_batch = [min(_left(job), max(steps)) for job, _ in others if _key(job) == key]
            own_s += self._batch_s([*steps, *in_batch], group[0][1])
        apart = [(job, row) for job, row in others if _key(job) not in mine]
        return own_s + sum(min(self._left_s(job, row, apart), own_s) for job, row in apart)

    def under_way(self) -> list[tuple[Job, BackboneRow]]:
        """Note how fast the runs are, and return them."""
        with self._lock:
            for job, row in self._runs:
                self._note_speed(job, row)
            return list(self._runs)

    def _let_go(self, over: Job) -> None:
        with self._lock:
            for job, row in self._runs:
                if job is over:
                    self._note_speed(job, row)
            self._runs = [(job, row) for job, row in self._runs if job is not over]

    def _note_speed(self, job: Job, row: BackboneRow) -> None:
        speed: float = getattr(job.snapshot, "steps_per_s", 0.0)
        if speed > 0:
            size = getattr(job.snapshot, "batch_size", 1)
            self._measured[row.key] = 1 / (speed * max(size / self._abreast, 1))

    def _batch_s(self, steps: Sequence[int], row: BackboneRow) -> float:
        return max(max(steps), sum(steps) / self._abreast) * self._step_s(row)

    def _step_s(self, row: BackboneRow) -> float:
        return self._measured.get(row.key, max(row.gflops, _LEAST_GFLOPS) / self._giga)

    def _left_s(
        self, job: Job, row: BackboneRow, others: Sequence[tuple[Job, BackboneRow]]
    ) -> float:
        """What a run has left: of a batch its share, of anything else what it says itself."""
        if job.spec.batch_key is not None:
            together = sum(_key(other) == _key(job) for other, _ in others)
            return _left(job) * self._step_s(row) / min(together, self._abreast)
        left: float | None = getattr(job.snapshot, "seconds_left", None)
        if left is None and job.snapshot is not None and job.snapshot.step:
            left = job.seconds * (job.snapshot.steps / job.snapshot.step - 1)
        return left or 0.0


def _key(job: Job) -> Hashable:
    return job.spec.batch_key or job


def _steps(spec: Spec) -> int:
    return int(getattr(spec, "steps", 0))


def _left(job: Job) -> int:
    return max(_steps(job.spec) - (job.snapshot.step if job.snapshot else 0), 0)
