"""Answers kept by question: the same spec asked again costs nothing."""

import pickle
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from tl_core.engine.job import Job, JobState
from tl_core.specs import Spec


class Answers:
    """Finished jobs by their question, least recently used out first; equal open ones are joined.

    A question is a spec and a stamp of what else its answer depends on.

    Thread-safe.
    """

    def __init__(self, budget_bytes: int) -> None:
        self._budget_bytes = budget_bytes
        self._jobs: OrderedDict[_Question, Job] = OrderedDict()
        self._sizes: dict[_Question, int] = {}
        self._lock = threading.Lock()

    def job_for(
        self,
        spec: Spec,
        owner: str,
        submit: Callable[[Spec, str], Job],
        join: Callable[[Job, str], bool],
        *,
        stamp: Hashable = None,
    ) -> Job:
        """The job that answers ``spec``: a finished one, an open one joined, or a new one.

        ``submit`` and ``join`` are the scheduler's.

        Raises:
            UserError: If ``submit`` refuses the spec.
        """
        asked = (spec, stamp)
        with self._lock:
            job = self._jobs.get(asked)
            if job is None or job.state in _USELESS or not (job.is_over or join(job, owner)):
                job = submit(spec, owner)
                self._jobs[asked] = job
                self._sizes.pop(asked, None)
            self._jobs.move_to_end(asked)
            self._trim()
            return job

    def forget(self, is_stale: Callable[[Spec], bool]) -> None:
        """Drop the answers to questions that are no longer valid."""
        with self._lock:
            for asked in [asked for asked in self._jobs if is_stale(asked[0])]:
                del self._jobs[asked]
                self._sizes.pop(asked, None)

    def _trim(self) -> None:
        for asked, job in self._jobs.items():
            if asked not in self._sizes and job.state is JobState.DONE:
                self._sizes[asked] = len(pickle.dumps(job.snapshot))
        for asked in [asked for asked, job in self._jobs.items() if job.state in _USELESS]:
            del self._jobs[asked]
        total = sum(self._sizes.values())
        for asked in [asked for asked in self._jobs if asked in self._sizes]:
            if total <= self._budget_bytes:
                break
            total -= self._sizes.pop(asked)
            del self._jobs[asked]


_USELESS = frozenset({JobState.FAILED, JobState.CANCELLED})
_Question = tuple[Spec, Hashable]
