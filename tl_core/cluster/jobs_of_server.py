"""The jobs of one app server on a machine, and what that server has been told of them."""

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from tl_core.cluster.messages import Controls, JobNews
from tl_core.compute import JobQueue
from tl_core.engine.job import Job
from tl_core.specs.base import Snapshot

_Seen = tuple[object, ...]


@dataclass(eq=False, slots=True)
class _Entry:
    controls: Controls
    job: Job | None = None  # not before its photographs are here
    seen: _Seen = ()  # what was told last
    shown: Snapshot | None = None  # with this
    number: int = 0  # of the news in which that was
    frames: int = 0  # of a film that were in it
    frames_known: int = 0  # of these, that the server has


class JobsOfServer:
    """Thread-safe, but for ``ordering``, which whoever takes orders holds meanwhile."""

    def __init__(self, queue: JobQueue, clock: Callable[[], float]) -> None:
        self._queue = queue
        self._clock = clock
        self.ordering = threading.Lock()
        self.taken = 0  # orders are taken up to here
        self.owners: frozenset[str] = frozenset()
        self.seen_at = clock()
        self.has_ended = threading.Event()
        self._entries: dict[str, _Entry] = {}
        self._number = 0
        self._is_over = False
        self._lock = threading.Lock()

    def add_owners(self, owners: Collection[str]) -> None:
        """Note visitors of whom something is kept here."""
        with self._lock:
            self.owners |= set(owners)

    def drop_owner(self, owner: str) -> None:
        """Note that nothing is kept of a visitor any more."""
        with self._lock:
            self.owners -= {owner}

    def expect(self, controls: Controls) -> None:
        """Note a job that will begin."""
        with self._lock:
            self.owners |= controls.owners
            self._entries[controls.job] = _Entry(controls)

    def is_wanted(self, name: str) -> bool:
        """Whether an expected job shall still begin."""
        with self._lock:
            return not (self._is_over or self._entries[name].controls.is_cancelled)

    def begun(self, name: str, job: Job) -> None:
        """Note the job that was expected."""
        with self._lock:
            entry = self._entries[name]
            entry.job = job
            self._apply(job, entry.controls)
            if self._is_over:
                job.cancel()
        job.when_over(lambda _job: self.has_ended.set())

    def steer(self, controls: Controls) -> None:
        """Let a job be as its owners want it now."""
        with self._lock:
            self.owners |= controls.owners
            entry = self._entries.get(controls.job)
            if entry is None:
                return  # it was over before this came
            entry.controls = controls
            if entry.job is not None:
                self._apply(entry.job, controls)

    def news(self, known: int) -> tuple[int, list[JobNews]]:
        """What changed since news ``known``, and the number of this one."""
        with self._lock:
            self.seen_at = self._clock()
            for name, entry in list(self._entries.items()):
                if entry.job is None:
                    continue
                if entry.number <= known:
                    entry.frames_known = entry.frames
                if entry.job.is_over and entry.seen == _seen(entry.job) and entry.number <= known:
                    del self._entries[name]
                elif (seen := _seen(entry.job)) != entry.seen:
                    self._number += 1
                    entry.seen, entry.number = seen, self._number
                    entry.shown = entry.job.snapshot  # kept, or another could get its id
            news = [
                _news(name, entry.job, entry)
                for name, entry in self._entries.items()
                if entry.job is not None and entry.number > known
            ]
            return self._number, news

    def handed(self, name: str) -> bytes | None:
        """What a job can be gone on with elsewhere."""
        with self._lock:
            entry = self._entries.get(name)
        handed = entry.job.handed if entry is not None and entry.job is not None else None
        return None if handed is None else handed[1]

    def cancel(self) -> None:
        """End every job: the server is gone, or goes on with them elsewhere."""
        with self._lock:
            self._is_over = True
            jobs = [entry.job for entry in self._entries.values() if entry.job is not None]
        for job in jobs:
            job.cancel()

    def _apply(self, job: Job, controls: Controls) -> None:
        job.current = controls.current
        for owner in controls.owners - job.owners:
            self._queue.join(job, owner)
        for owner in job.owners - controls.owners:
            self._queue.withdraw(job, owner)
        if controls.is_paused != job.pause_requested:
            (job.pause if controls.is_paused else job.resume)()
        job.set_unattended(controls.is_unattended)
        if controls.is_cancelled:
            job.cancel()


def _seen(job: Job) -> _Seen:
    """What tells whether there is news of a job."""
    step = job.handed[0] if job.handed else None
    return (job.state, id(job.snapshot), job.error, job.position, job.held_bytes, step)


def _news(name: str, job: Job, entry: _Entry) -> JobNews:
    handed, snapshot = job.handed, job.snapshot
    frames: tuple[bytes, ...] = getattr(snapshot, "frames", ())
    entry.frames = len(frames)
    if snapshot is not None and entry.frames_known:
        snapshot = replace(snapshot, frames=frames[entry.frames_known :])  # type: ignore[call-arg]
    return JobNews(
        job=name,
        state=job.state,
        snapshot=snapshot,
        error=job.error,
        position=job.position,
        seconds=None if job.started_at is None else job.seconds,
        held_bytes=job.held_bytes,
        handed_step=handed[0] if handed else None,
        frames_from=entry.frames_known,
    )
