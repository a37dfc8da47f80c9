"""Answers kept by question: the same spec asked again costs nothing."""

import pickle
import threading
from collections import OrderedDict
from collections.abc import Callable

from tl_core.engine.job import Job, JobState
from tl_core.specs import Spec


class Answers:
    """Finished jobs by their spec, least recently used out first; equal open ones are joined.

    Thread-safe.
    """

    def __init__(self, budget_bytes: int) -> None:
        self._budget_bytes = budget_bytes
        self._jobs: OrderedDict[Spec, Job] = OrderedDict()
        self._sizes: dict[Spec, int] = {}
        self._lock = threading.Lock()

    def job_for(
        self,
        spec: Spec,
        owner: str,
        submit: Callable[[Spec, str], Job],
        join: Callable[[Job, str], bool],
    ) -> Job:
        """The job that answers ``spec``: a finished one, an open one joined, or a new one.

        ``submit`` and ``join`` are the scheduler's.

        Raises:
            UserError: If ``submit`` refuses the spec.
        """
        with self._lock:
            job = self._jobs.get(spec)
            if job is None or job.state in _USELESS or not (job.is_over or join(job, owner)):
                job = submit(spec, owner)
                self._jobs[spec] = job
                self._sizes.pop(spec, None)
            self._jobs.move_to_end(spec)
            self._trim()
            return job

    def forget(self, is_stale: Callable[[Spec], bool]) -> None:
        """Drop the answers to questions that are no longer valid."""
        with self._lock:
            for spec in [spec for spec in self._jobs if is_stale(spec)]:
                del self._jobs[spec]
                self._sizes.pop(spec, None)

    def _trim(self) -> None:
        for spec, job in self._jobs.items():
            if spec not in self._sizes and job.state is JobState.DONE:
                self._sizes[spec] = len(pickle.dumps(job.snapshot))
        total = sum(self._sizes.values())
        for spec in [spec for spec in self._jobs if spec in self._sizes]:
            if total <= self._budget_bytes:
                break
            total -= self._sizes.pop(spec)
            del self._jobs[spec]


_USELESS = frozenset({JobState.FAILED, JobState.CANCELLED})
