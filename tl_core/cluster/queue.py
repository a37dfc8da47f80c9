"""All jobs of one app server, wherever they run: sent, followed, and gone on with after a loss."""

import logging
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast

import ray
from ray.exceptions import RayError

from tl_core.cluster.client import MachineClient
from tl_core.cluster.job_copy import end, show
from tl_core.cluster.messages import Begin, Controls, JobNews, News, Payload, Ref
from tl_core.engine.job import FINAL, Job, JobState, SpecT
from tl_core.engine.open_jobs import OpenJobs
from tl_core.engine.queueing import refuse_excess
from tl_core.errors import UserError
from tl_core.errors import gettext_noop as N_
from tl_core.settings import Settings
from tl_core.specs.base import Spec
from tl_core.specs.datasets import ImportData
from tl_core.specs.download import OPERATOR, Download

log = logging.getLogger(__name__)

_States = Mapping[str, bytes]  # of pictures, by job
_MOST_LOSSES = 2  # of one job: what ends its machine again and again must end itself
_STATE_S = 5.0  # for a picture's state to come from the object store
_LOST = N_(
    "The machine running this was lost, along with everything learned so far. Please start the "
    "run again."
)
_LOST_AGAIN = N_(
    "The machines running this were lost one after another, so the lab stopped the run."
)


class Cluster(Protocol):
    """Where jobs can go, and what travels with them."""

    def place(self, spec: Spec) -> MachineClient | None:
        """Return the machine for a job; ``None`` where there is none just now."""

    def lacking(self, spec: Download | ImportData) -> list[MachineClient]:
        """One machine of each node that has not got what a download brings."""

    def payload(self, spec: Spec) -> Payload:
        """What a job needs of its visitor; may take a while."""


@dataclass(eq=False)
class _Placed:
    """A job of this app server; every attempt at it has another name for the machines."""

    job: Job
    payload: Payload
    attempts: int = 0
    client: MachineClient | None = None  # none while no machine can take it
    handed: deque[tuple[int, Ref]] = field(default_factory=lambda: deque(maxlen=2))
    saved: bytes | None = None
    losses: int = 0

    @property
    def name(self) -> str:
        return f"{self.job.id}.{self.attempts}"


class ClusterQueue(OpenJobs):
    """The ``JobQueue`` of an app server; thread-safe. What no machine can take waits here."""

    def __init__(self, cluster: Cluster, settings: Settings) -> None:
        self._cluster = cluster
        self._settings = settings
        self._jobs: dict[str, _Placed] = {}
        self._refusal: UserError | None = None
        self._lock = threading.RLock()

    # -- the lab's side ------------------------------------------------------------------------

    def submit(self, spec: SpecT, owner: str) -> Job[SpecT]:
        """Send a job to the machine that suits it; a download to every node that lacks it.

        Raises:
            UserError: If the visitor has too many runs going, too many wait, no run is taken any
                more, or a photograph was forgotten.
        """
        payload = self._cluster.payload(spec)  # before others are kept waiting
        with self._lock:
            if self._refusal is not None and not spec.is_quick:
                raise self._refusal
            active = self.open_jobs()
            queued = [job for job in active if job.state is JobState.QUEUED]
            refuse_excess(spec, owner, queue=queued, active=active, settings=self._settings)
            lacking = self._cluster.lacking(spec) if isinstance(spec, Download | ImportData) else []
            for client in lacking[1:]:
                self._add(spec, OPERATOR, payload, client)
            first = lacking[0] if lacking else self._cluster.place(spec)
            return self._add(spec, owner, payload, first)

    def _add(
        self, spec: SpecT, owner: str, payload: Payload, client: MachineClient | None
    ) -> Job[SpecT]:
        placed = _Placed(Job(spec, owner, wake=lambda: self._steer(placed)), payload)
        self._jobs[placed.job.id] = placed
        self._begin(placed, client)
        return cast("Job[SpecT]", placed.job)

    def join(self, job: Job, owner: str) -> bool:
        """Let ``owner`` share an open job; ``False`` where it is about to be cancelled."""
        with self._lock:
            if job.cancel_requested:
                return False
            job.owners |= {owner}
            self._steer(self._jobs.get(job.id))
            return True

    def withdraw(self, job: Job, owner: str) -> None:
        """Let ``owner`` give up an open job; with nobody left who wants it, it is cancelled."""
        with self._lock:
            if job.owners == {owner}:
                job.cancel_requested = True
            else:
                job.owners -= {owner}
            self._steer(self._jobs.get(job.id))

    def leave(self, owner: str) -> list[Job]:
        """Cancel the jobs of a visitor who is gone, unless others wait for them too."""
        mine = self.jobs_of(owner)
        for job in mine:
            self.withdraw(job, owner)
        return [job for job in mine if job.cancel_requested]

    def refuse_runs(self, refusal: UserError) -> None:
        """Take only quick questions from now on, and fail what waits for its turn with the same."""
        with self._lock:
            self._refusal = refusal
            waiting = [p for p in self._jobs.values() if p.job.state is JobState.QUEUED]
            for placed in waiting:
                if not placed.job.spec.is_quick:
                    self._give_up(placed, refusal)

    def open_jobs(self) -> list[Job]:
        """Every job of this app server that is not over."""
        with self._lock:
            return [placed.job for placed in self._jobs.values()]

    def client_of(self, job: Job) -> MachineClient | None:
        """The machine that runs a job."""
        with self._lock:
            placed = self._jobs.get(job.id)
        return placed.client if placed else None

    def close(self) -> None:
        """End every job as cancelled."""
        with self._lock:
            jobs = self.open_jobs()
            self._jobs.clear()
        for job in jobs:
            job.mark_cancelled()

    # -- the clients' side -----------------------------------------------------------------------

    def send_waiting(self) -> None:
        """Send what has waited for a machine."""
        with self._lock:
            for placed in [p for p in self._jobs.values() if p.client is None]:
                self._begin(placed, self._cluster.place(placed.job.spec))

    def heard(self, client: MachineClient, news: News) -> None:
        """Let the jobs on a machine be as that says, and fetch the states of pictures."""
        over: list[tuple[Job, JobNews]] = []
        handed: list[tuple[_Placed, int]] = []
        with self._lock:
            for one in news.jobs:
                placed = self._jobs.get(_job_id(one.job))
                if placed is None or placed.name != one.job:
                    continue  # it was over, or goes on elsewhere
                if one.state in FINAL:
                    over.append((placed.job, one))
                    del self._jobs[placed.job.id]
                else:
                    show(placed.job, one)
                    if one.handed_step is not None and _newest(placed) != one.handed_step:
                        handed.append((placed, one.handed_step))
        for job, one in over:
            end(job, one)
        if handed:
            ref = client.ask_later("handed", client.name, [placed.name for placed, _ in handed])
            for placed, step in handed:
                placed.handed.append((step, ref))

    def move_from(self, client: MachineClient, *, is_lost: bool) -> None:
        """Go on elsewhere with what ran on a machine; if that is only late, with what can."""
        with self._lock:
            placed_there = [p for p in self._jobs.values() if p.client is client]
        fetched: dict[int, _States] = {}
        for placed in sorted(placed_there, key=lambda placed: bool(placed.handed)):
            if is_lost or self._can_move(placed):
                self._fetch_state(placed, fetched)
                with self._lock:
                    if placed.client is client and not placed.job.is_over:
                        self._move(placed, is_lost=is_lost)

    def _can_move(self, placed: _Placed) -> bool:
        """Whether a job of a late machine can go on elsewhere now."""
        spec = placed.job.spec
        return spec.can_begin_again and self._cluster.place(spec) is not None

    def _move(self, placed: _Placed, *, is_lost: bool) -> None:
        job, old = placed.job, placed.client
        elsewhere = self._cluster.place(job.spec)
        if not is_lost:
            if elsewhere is not None and old is not None:
                old.send(_controls(placed, is_cancelled=True))
                self._begin(placed, elsewhere)
            return
        placed.losses += 1
        if job.cancel_requested:
            del self._jobs[job.id]
            job.mark_cancelled()
        elif not job.spec.can_begin_again and job.state is not JobState.QUEUED:
            self._give_up(placed, UserError(_LOST))
        elif placed.losses > _MOST_LOSSES:
            self._give_up(placed, UserError(_LOST_AGAIN))
        else:
            job.state = JobState.QUEUED
            self._begin(placed, elsewhere)

    def _fetch_state(self, placed: _Placed, fetched: dict[int, _States]) -> None:
        """Keep the newest state of a picture that the object store has."""
        for _step, ref in reversed(placed.handed):
            if id(ref) not in fetched:
                try:
                    states = cast(_States, ray.get(ref, timeout=_STATE_S))
                    fetched[id(ref)] = {_job_id(name): data for name, data in states.items()}
                except (RayError, ConnectionError) as error:
                    log.info("pictures' newest states are lost: %s", type(error).__name__)
                    fetched[id(ref)] = {}
            if placed.job.id in fetched[id(ref)]:
                placed.saved = fetched[id(ref)][placed.job.id]
                return

    def _begin(self, placed: _Placed, client: MachineClient | None) -> None:
        placed.client = client
        if client is None:
            return
        placed.attempts += 1
        client.send(Begin(placed.job.spec, _controls(placed), placed.payload, placed.saved))

    def _steer(self, placed: _Placed | None) -> None:
        """Tell the machine what a job's owners want now."""
        with self._lock:
            if placed is None or placed.job.is_over:
                return
            if placed.client is not None:
                placed.client.send(_controls(placed))
            elif placed.job.cancel_requested:
                self._jobs.pop(placed.job.id, None)
                placed.job.mark_cancelled()

    def _give_up(self, placed: _Placed, error: UserError) -> None:
        if placed.client is not None:
            placed.client.send(_controls(placed, is_cancelled=True))
        self._jobs.pop(placed.job.id, None)
        placed.job.fail(error)


def _job_id(name: str) -> str:
    return name.partition(".")[0]


def _controls(placed: _Placed, *, is_cancelled: bool = False) -> Controls:
    job = placed.job
    return Controls(
        job=placed.name,
        current=job.current,
        owners=job.owners,
        is_paused=job.pause_requested,
        is_unattended=job.is_unattended,
        is_cancelled=is_cancelled or job.cancel_requested,
    )


def _newest(placed: _Placed) -> int | None:
    return placed.handed[-1][0] if placed.handed else None
