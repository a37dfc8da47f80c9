"""How fast runs go, and so how long one would take that starts now."""

import threading
from collections.abc import Sequence

import torch

from tl_core.backbones.catalogue import BackboneRow
from tl_core.engine.job import Job, JobState
from tl_core.specs import Spec


class Pace:
    """Follows the runs under way; thread-safe."""

    def __init__(self, device: torch.device) -> None:
        # multiply-adds a second, in billions, before a run has shown better
        self._giga = 4.5 if device.type == "cpu" else 100.0
        self._runs: list[tuple[Job, BackboneRow]] = []
        self._speeds: dict[str, float] = {}  # steps a second of the newest run, by row
        self._lock = threading.Lock()

    def follow(self, job: Job, row: BackboneRow) -> None:
        """Take a new run into account until it is over."""
        with self._lock:
            self._runs.append((job, row))

    def seconds(self, specs: Sequence[tuple[Spec, BackboneRow]]) -> float:
        """The time for all these runs after what is under way now; a paused run does not count."""
        left = [
            (max(_steps(job.spec) - (job.snapshot.step if job.snapshot else 0), 0), row)
            for job, row in self.under_way()
            if job.state is not JobState.PAUSED
        ]
        own = [(_steps(spec), row) for spec, row in specs]
        return sum(steps / self._steps_per_s(row) for steps, row in [*own, *left])

    def under_way(self) -> list[tuple[Job, BackboneRow]]:
        """Note how fast the runs are, let go of those that are over, and return the others."""
        with self._lock:
            for job, row in self._runs:
                speed: float = getattr(job.snapshot, "steps_per_s", 0.0)
                if speed > 0:
                    self._speeds[row.key] = speed
            self._runs = [(job, row) for job, row in self._runs if not job.is_over]
            return list(self._runs)

    def _steps_per_s(self, row: BackboneRow) -> float:
        return self._speeds.get(row.key, self._giga / row.gflops)


def _steps(spec: Spec) -> int:
    return int(getattr(spec, "steps", 0))
