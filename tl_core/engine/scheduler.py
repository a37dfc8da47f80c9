"""The fair queue: decides which runner the worker turns next, and honours what owners ask."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from tl_core.engine.job import Explain, Job, JobCancelled, JobState
from tl_core.engine.ledger import Ledger
from tl_core.engine.runner import Runner
from tl_core.errors import UserError
from tl_core.settings import Settings
from tl_core.specs import Spec

_QUICK_IN_A_ROW = 8  # then one slice of a long run, so that questions cannot starve it
_FAIR_IN_A_ROW = 3  # then the run that has waited longest, whoever's it is


class Scheduler:
    """Jobs in, slices out.

    ``submit``, ``leave`` and the counts are safe from any thread; ``run`` is the worker's loop and
    the only place that calls runners. Fairness is by served time: every visitor is charged the
    seconds of the slices that worked for them (shared by a batch), and the one charged least goes
    first; one visitor's own runs take turns, and no run stands still because its owner is served
    in a batch with others. Quick questions go before long runs.
    """

    def __init__(
        self,
        make_runner: Callable[[Job], Runner],
        settings: Settings,
        *,
        explain: Explain = lambda _error: None,
    ) -> None:
        self._make_runner = make_runner
        self._settings = settings
        self._explain = explain
        self._changed = threading.Condition()
        self._queue: list[Job] = []
        self._set_aside: list[Job] = []  # paused, with their state in job.saved
        self._runners: list[Runner] = []
        self._parked: dict[Runner, Future[Any]] = {}
        self._ledger = Ledger()
        self._quick_turns = 0
        self._fair_turns = 0
        self._has_news = False
        self._is_stopped = False

    # -- from any thread -------------------------------------------------------------------

    def submit(self, spec: Spec, owner: str) -> Job:
        """Queue a spec for ``owner``.

        Raises:
            UserError: If the visitor has too many runs going, or the queue is full.
        """
        with self._changed:
            self._refuse_excess(spec, owner)
            self._ledger.welcome(owner, self._active())
            job = Job(spec, owner, wake=self._wake, explain=self._explain)
            self._queue.append(job)
            self._rank()
            self._notify()
        return job

    def join(self, job: Job, owner: str) -> bool:
        """Let ``owner`` share an open job; ``False`` where it is about to be cancelled."""
        with self._changed:
            if job.cancel_requested:
                return False
            self._ledger.welcome(owner, self._active())
            job.owners |= {owner}
            return True

    def withdraw(self, job: Job, owner: str) -> None:
        """Let ``owner`` give up an open job; with nobody left who wants it, it is cancelled."""
        with self._changed:
            self._withdraw(job, owner)
            self._notify()

    def leave(self, owner: str) -> list[Job]:
        """Cancel the jobs of a visitor who is gone, unless others wait for them too; return those.

        They are over after the slice in progress; what it gave the pool may go on (``job.aside``).
        """
        with self._changed:
            mine = [job for job in self._active() if owner in job.owners]
            for job in mine:
                self._withdraw(job, owner)
            self._ledger.forget(owner)
            self._notify()
        return [job for job in mine if job.cancel_requested]

    def jobs_of(self, owner: str) -> list[Job]:
        """The visitor's jobs that are not over, oldest first."""
        with self._changed:
            mine = [job for job in self._active() if owner in job.owners]
        return sorted(mine, key=lambda job: job.submitted_at)

    def counts(self) -> dict[JobState, int]:
        """How many jobs are queued, running and paused."""
        with self._changed:
            found = Counter(job.state for job in self._active())
        return {
            state: found[state] for state in (JobState.QUEUED, JobState.RUNNING, JobState.PAUSED)
        }

    def stop(self) -> None:
        """Let ``run`` return after the slice in progress; every open job ends as cancelled."""
        with self._changed:
            self._is_stopped = True
            self._notify()

    def _wake(self) -> None:
        with self._changed:
            self._notify()

    def _notify(self) -> None:
        self._has_news = True
        self._changed.notify_all()

    def _active(self) -> list[Job]:
        running = [job for runner in self._runners for job in runner.jobs]
        return self._queue + self._set_aside + running

    def _withdraw(self, job: Job, owner: str) -> None:
        if job.owners == {owner}:
            job.cancel_requested = True  # and stays its owner, for the slice in progress
        else:
            job.owners -= {owner}

    def _refuse_excess(self, spec: Spec, owner: str) -> None:
        if len(self._queue) >= self._settings.max_queue:
            raise UserError("The lab is full right now. Please try again in a minute.")
        mine = [job for job in self._active() if owner in job.owners and not job.spec.is_quick]
        if not spec.is_quick and len(mine) >= self._settings.max_jobs_per_visitor:
            raise UserError(
                "You already have {count} runs going. Stop one, or wait until one is done.",
                count=len(mine),
            )

    # -- the worker's loop -----------------------------------------------------------------

    def run(self) -> None:
        """Turn runners until ``stop``; returns with no job left open."""
        while not self._is_stopped:
            with self._changed:
                self._has_news = False
                self._sweep()
                self._start_queued()
                runner = self._next_runner()
                if runner is None and not self._has_news and not self._is_stopped:
                    self._changed.wait()
            if runner is not None:
                self._turn(runner)
        with self._changed:
            for job in self._active():
                job.cancel_requested = True
            self._sweep()

    def _sweep(self) -> None:
        """Honour cancel, pause and resume of every job; drop runners without jobs."""
        for job in [*self._queue, *self._set_aside]:
            home = self._queue if job in self._queue else self._set_aside
            if job.cancel_requested:
                home.remove(job)
                job.saved = None
                job.mark_cancelled()
            elif home is self._set_aside and not job.pause_requested:
                home.remove(job)
                job.state = JobState.QUEUED
                self._queue.append(job)
            elif home is self._queue and job.pause_requested:
                self._set_job_aside(job, home)
        for runner in list(self._runners):
            for job in list(runner.jobs):
                self._sweep_running(runner, job)
            self._drop_if_empty(runner)

    def _sweep_running(self, runner: Runner, job: Job) -> None:
        if job.cancel_requested:
            runner.remove(job, keep=False)
            job.mark_cancelled()
        elif job.pause_requested and job.state is JobState.RUNNING:
            job.state = JobState.PAUSED
            if runner.remove(job, keep=True):
                self._set_aside.append(job)
        elif not job.pause_requested and job.state is JobState.PAUSED:
            job.state = JobState.RUNNING

    def _set_job_aside(self, job: Job, home: list[Job]) -> None:
        home.remove(job)
        job.state = JobState.PAUSED
        self._set_aside.append(job)

    def _drop_if_empty(self, runner: Runner) -> None:
        if not runner.jobs and runner in self._runners:
            self._runners.remove(runner)
            self._parked.pop(runner, None)
            runner.close()

    def _start_queued(self) -> None:
        self._rank()
        for job in list(self._queue):
            if self._start(job):
                self._queue.remove(job)
        self._rank()

    def _rank(self) -> None:
        """Order the queue: quick first, then everyone's first job before anyone's second."""
        going = Counter(
            owner for runner in self._runners for job in runner.jobs for owner in job.owners
        )
        places: dict[Job, tuple[bool, int, float]] = {}
        for job in sorted(self._queue, key=lambda job: job.submitted_at):
            owner = min(job.owners, default="")
            places[job] = (not job.spec.is_quick, going[owner], job.submitted_at)
            going[owner] += 1
        self._queue.sort(key=places.__getitem__)
        for position, job in enumerate(self._queue, start=1):
            job.position = position

    def _start(self, job: Job) -> bool:
        """Give the job to a runner if there is room; say whether it is off the queue."""
        try:
            runner = self._shared_runner(job)
            if runner is not None:
                runner.add(job)
            else:
                if _takes_a_place(job.spec) and self._places_taken() >= self._settings.max_running:
                    return False
                self._runners.append(self._make_runner(job))
        except Exception as error:  # noqa: BLE001 - the one boundary: whatever it is ends this job only
            _end(job, error)
            return True
        job.state = JobState.RUNNING
        job.position = 0
        job.started_at = job.started_at or time.monotonic()
        return True

    def _places_taken(self) -> int:
        """Long runs that take turns now; one that resumes goes on at once, even above the limit."""
        return sum(
            _takes_a_place(runner.jobs[0].spec) and _is_awake(runner) for runner in self._runners
        )

    def _shared_runner(self, job: Job) -> Runner | None:
        key = job.spec.batch_key
        for runner in self._runners:
            if key is not None and runner.jobs[0].spec.batch_key == key and runner.has_room():
                return runner
        return None

    def _next_runner(self) -> Runner | None:
        able = [
            runner
            for runner in self._runners
            if _is_awake(runner) and (runner not in self._parked or self._parked[runner].done())
        ]
        quick = [runner for runner in able if runner.jobs[0].spec.is_quick]
        long = [runner for runner in able if runner not in quick]
        is_quick_turn = bool(quick) and (not long or self._quick_turns < _QUICK_IN_A_ROW)
        self._quick_turns = self._quick_turns + 1 if is_quick_turn else 0
        if is_quick_turn or not long:
            return min(quick, key=self._least_charged, default=None)
        self._fair_turns = (self._fair_turns + 1) % (_FAIR_IN_A_ROW + 1)
        return min(long, key=self._least_charged) if self._fair_turns else long[0]

    def _least_charged(self, runner: Runner) -> float:
        return self._ledger.least(runner.jobs)

    def _turn(self, runner: Runner) -> None:
        jobs = list(runner.jobs)
        start = time.perf_counter()
        try:
            future = runner.advance()
        except Exception as error:  # noqa: BLE001 - the one boundary: whatever it is ends these jobs only
            future = None
            for job in jobs:
                _end(job, error)
            runner.jobs.clear()
        seconds = time.perf_counter() - start
        with self._changed:
            self._ledger.charge(jobs, seconds)
            self._parked.pop(runner, None)
            if future is not None:
                self._parked[runner] = future
            for job in jobs:
                job.aside = future
            self._runners.remove(runner)
            self._runners.append(runner)  # the first in the list has waited longest
            self._drop_if_empty(runner)
        if future is not None:
            future.add_done_callback(lambda _future: self._wake())


def _takes_a_place(spec: Spec) -> bool:
    return spec.uses_network and not spec.is_quick


def _is_awake(runner: Runner) -> bool:
    """Whether it has a job that is not paused."""
    return any(job.state is JobState.RUNNING for job in runner.jobs)


def _end(job: Job, error: Exception) -> None:
    if isinstance(error, JobCancelled):
        job.mark_cancelled()
    else:
        job.fail(error)
