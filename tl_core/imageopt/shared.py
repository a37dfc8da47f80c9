"""Jobs that share networks and a batch: who comes in, waits, goes on where it was, and leaves."""

import time
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tl_core.backbones.backbone import Backbone
from tl_core.context import Context
from tl_core.engine.job import Job
from tl_core.engine.runner import SLICE_S, Runner
from tl_core.errors import UserError
from tl_core.imageopt.batch import Batch

_CPU_ROOM, _GPU_ROOM = 8, 32


@dataclass(eq=False, kw_only=True)
class Place:
    """A job in a batch, with what it needs to go on; moves out whole on a pause."""

    job: Job
    encoding: Future[Any] | None = None  # what the pool makes of its last picture
    due_at: float = 0.0  # when the next picture is


P = TypeVar("P", bound=Place)


class SharedRunner(Runner, Generic[P]):
    """Runs jobs with equal batch keys in one ``Batch``; a subclass says what a job's place is.

    The networks are loaded and photographs decoded in the pool.
    """

    batch: Batch  # there once the networks are

    def __init__(self, context: Context, keys: Sequence[str]) -> None:
        self.jobs: list[Job] = []
        self.context = context
        self.seats: dict[Job, P] = {}
        self.backbones: tuple[Backbone, ...] = ()
        self._keys = tuple(dict.fromkeys(keys))
        self._loading: Future[list[Backbone]] | None = None
        self._arriving: dict[Job, Future[Any]] = {}

    # -- what a kind of job says ---------------------------------------------------------------

    @abstractmethod
    def open(self) -> Batch:
        """The batch for ``backbones``, empty."""

    @abstractmethod
    def fetch(self, job: Job) -> Any:
        """What is needed of the job's photograph; called in the pool."""

    @abstractmethod
    def welcome(self, job: Job, fetched: Any) -> P:
        """A place for a fresh job; raises ``UserError`` where the spec does not fit the network."""

    @abstractmethod
    def sit(self, place: P) -> None:
        """Let a place, fresh or back from a pause, act from the next step on."""

    @abstractmethod
    def leave(self, place: P) -> None:
        """Take a place out of the batch, if it is still in it."""

    @abstractmethod
    def settle(self) -> None:
        """Take in what the pool has done; ends jobs whose last picture is ready."""

    @abstractmethod
    def step(self) -> None:
        """Advance every place in the batch by one step."""

    # -- the scheduler's side ------------------------------------------------------------------

    def has_room(self) -> bool:
        """Whether a further job still makes the batch more efficient."""
        on_gpu = self.context.device.type == "cuda"
        return len(self.jobs) < (_GPU_ROOM if on_gpu else _CPU_ROOM)

    def add(self, job: Job) -> None:
        """Take a job in; one with its place in ``job.saved`` goes on where it was."""
        self.jobs.append(job)

    def remove(self, job: Job, *, keep: bool) -> bool:
        """Give a job up; with ``keep`` its place moves to ``job.saved``."""
        place = self.seats.get(job)
        try:
            if place is not None:
                self.leave(place)
                job.saved = place if keep else None
        finally:  # whatever is wrong with it, it may not stay in the batch
            self.end(job)
        return True

    def advance(self) -> Future[Any] | None:
        """Step the batch for a slice; a future where there is nothing to step yet."""
        if not self.backbones:
            if self._loading is None:
                self._loading = self.context.pool.submit(self._load)
                return self._loading
            self.backbones = _alike(self._loading.result())
            self.batch = self.open()
        self._admit()
        self.settle()
        until = time.monotonic() + SLICE_S
        while self.batch.slots:
            self.step()
            if time.monotonic() >= until:
                break
        return None if self.batch.slots else self._wait()

    def end(self, job: Job) -> None:
        """Let a job go that is over, or moves out."""
        if job in self.jobs:
            self.jobs.remove(job)
        self._arriving.pop(job, None)
        self.seats.pop(job, None)

    def fail(self, job: Job, error: Exception) -> None:
        """End one job for the reason in ``error``; the others go on."""
        try:
            self.remove(job, keep=False)
        finally:
            job.fail(error)

    def _load(self) -> list[Backbone]:
        return [self.context.backbones.load(key) for key in self._keys]

    def _admit(self) -> None:
        """Seat the jobs that are ready, and end those that turn out impossible."""
        for job in [job for job in self.jobs if job not in self.seats]:
            if job.saved is None and job not in self._arriving:
                self._arriving[job] = self.context.pool.submit(self.fetch, job)
            elif job.saved is not None or self._arriving[job].done():
                with self.sparing_others(job):
                    self._put(job.saved or self.welcome(job, self._arriving[job].result()))

    @contextmanager
    def sparing_others(self, job: Job) -> Iterator[None]:
        """Let whatever goes wrong inside end this job only."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the batch's boundary, as the scheduler's
            self.fail(job, error)

    def _put(self, place: P) -> None:
        self._arriving.pop(place.job, None)
        place.job.saved = None
        self.seats[place.job] = place
        self.sit(place)

    def _wait(self) -> Future[Any] | None:
        """With no slot to step: the first thing of the pool that will change that."""
        encodings = [place.encoding for place in self.seats.values() if place.encoding is not None]
        waiting: list[Future[Any]] = [*self._arriving.values(), *encodings]
        return waiting[0] if waiting else None


def _alike(backbones: Sequence[Backbone]) -> tuple[Backbone, ...]:
    """Refuse networks whose answers mean different things."""
    if any(backbone.classes != backbones[0].classes for backbone in backbones):
        raise UserError(
            "Networks that know different classes cannot look at one picture together. "
            "Choose networks that were trained on the same classes."
        )
    return tuple(backbones)
