"""Answers kept by question: the same spec asked again costs nothing."""

import pickle
import threading
from collections import Counter
from collections.abc import Callable, Hashable
from functools import partial
from typing import cast

from tl_core.engine.job import Job, JobState, SpecT
from tl_core.machine.byte_cache import ByteCache
from tl_core.specs.base import Spec

_Question = tuple[Spec, Hashable]
_USELESS = frozenset({JobState.FAILED, JobState.CANCELLED})


class Answers:
    """Finished jobs by their question, within a budget of bytes; equal open ones are joined.

    A question is a spec and a stamp of what else its answer depends on. What failed or was
    cancelled is not kept. Thread-safe.
    """

    def __init__(self, budget_bytes: int) -> None:
        self._open: dict[_Question, Job] = {}
        self._done = ByteCache[Job](budget_bytes)
        self._asking = threading.Lock()
        self._lock = threading.Lock()  # of ``_open``; never held while the scheduler is called

    def job_for(
        self,
        spec: SpecT,
        owner: str,
        submit: Callable[[SpecT, str], Job[SpecT]],
        join: Callable[[Job, str], bool],
        *,
        stamp: Hashable = None,
    ) -> Job[SpecT]:
        """The job that answers ``spec``: a finished one, an open one joined, or a new one.

        ``submit`` and ``join`` are the scheduler's.

        Raises:
            UserError: If ``submit`` refuses the spec.
        """
        question = (spec, stamp)
        with self._asking:
            with self._lock:
                job = self._done.get(question) or self._open.get(question)
            if job is not None and job.state not in _USELESS and (job.is_over or join(job, owner)):
                return cast(Job[SpecT], job)
            asked = submit(spec, owner)
            with self._lock:
                self._open[question] = asked
            asked.when_over(partial(self._close, question))
            return asked

    def forget(self, is_stale: Callable[[Spec], bool]) -> None:
        """Drop the answers to questions that are no longer valid."""
        with self._lock:
            self._open = {key: job for key, job in self._open.items() if not is_stale(key[0])}
        self._done.drop_where(lambda key: is_stale(cast(_Question, key)[0]))

    def held(self) -> Counter[str]:
        """Bytes of the kept answers, which are everybody's."""
        return self._done.held()

    def _close(self, question: _Question, job: Job) -> None:
        with self._lock:
            if self._open.get(question) is not job:
                return  # dropped, or asked anew
            del self._open[question]
            if job.state is JobState.DONE:
                size_bytes = len(pickle.dumps(job.snapshot))
                self._done.put(question, job, size_bytes)
