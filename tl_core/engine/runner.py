"""A runner: work that advances in slices, for one job or for several that share a batch."""

import time
from abc import ABC, abstractmethod
from collections.abc import Generator
from concurrent.futures import Future
from typing import Any, TypeAlias, TypeVar

from tl_core.engine.job import Job
from tl_core.specs.base import Snapshot

SLICE_S = 0.1  # how long a runner works before it lets others go on

T = TypeVar("T")
Sliced: TypeAlias = Generator[Future[Any] | None, Any, T]  # yields at the end of a slice; returns T


class Runner(ABC):
    """What the scheduler turns: only the worker thread calls these methods.

    A runner ends its jobs itself through ``job.finish`` and ``job.fail`` and takes them out of
    ``jobs``; with none left it is dropped. An exception out of ``advance`` ends all its jobs.
    """

    jobs: list[Job]

    @abstractmethod
    def advance(self) -> Future[Any] | None:
        """Do one slice of about ``SLICE_S``; a future returned means: not again before that."""

    def has_room(self) -> bool:
        """Whether a further job with the same batch key may join."""
        return False

    def add(self, job: Job) -> None:
        """Take a job in: a fresh one, or one with its state in ``job.saved``."""
        raise NotImplementedError(f"{type(self).__name__} takes one job only")

    @abstractmethod
    def remove(self, job: Job, *, keep: bool) -> bool:
        """Give a job up; with ``keep`` leave its state in ``job.saved``.

        Returns whether the job is out of the runner. A runner of one job may answer False to a
        pause: it then stays as it is and is not advanced until the job resumes.
        """

    def close(self) -> None:  # noqa: B027 - most runners hold nothing
        """Free what the runner holds; called once, after its last job is out."""


class SoloRunner(Runner):
    """One job's generator.

    The generator yields ``None`` at the end of a slice, or a future whose result it is sent (or
    whose exception it is thrown); it returns the final snapshot.
    """

    def __init__(self, job: Job, work: Sliced[Snapshot]) -> None:
        self.jobs = [job]
        self._work = work
        self._parked: Future[Any] | None = None
        self._ready_at: list[float] = []  # since when it could have gone on; empty: it could not

    def advance(self) -> Future[Any] | None:
        """Resume the generator up to its next yield."""
        job, parked, self._parked = self.jobs[0], self._parked, None
        job.waited_s += sum(time.monotonic() - ready for ready in self._ready_at)
        try:
            if parked is None:
                self._parked = next(self._work)
            elif (error := parked.exception()) is not None:
                self._parked = self._work.throw(error)
            else:
                self._parked = self._work.send(parked.result())
        except StopIteration as end:
            self.jobs.clear()
            job.finish(end.value)
        self._note_ready()
        return self._parked

    def _note_ready(self) -> None:
        ready_at = self._ready_at = []  # a new list: the callback of an earlier one may come late
        if self._parked is None:
            ready_at.append(time.monotonic())
        else:
            self._parked.add_done_callback(lambda _future: ready_at.append(time.monotonic()))

    def remove(self, job: Job, *, keep: bool) -> bool:
        """Drop the job; while it is only paused, its generator is its state."""
        if keep:
            return False
        self.jobs.clear()
        return True

    def close(self) -> None:
        """Close the generator, so that its ``finally`` blocks run."""
        self._work.close()
