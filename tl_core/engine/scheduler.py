"""The scheduler: queues jobs, chooses the runner of the next slice, applies cancel and pause."""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from tl_core.engine.fairness import Turns
from tl_core.engine.job import Explain, Job, JobCancelled, JobState, SpecT
from tl_core.engine.open_jobs import OpenJobs
from tl_core.engine.preemption import somebody_would_give_way, to_give_way
from tl_core.engine.queueing import rank, refuse_excess
from tl_core.engine.runner import Runner
from tl_core.errors import UserError
from tl_core.settings import Settings

log = logging.getLogger(__name__)

_GRACE_S = 0.04  # for which a run stands back while a short question's photograph is prepared
_NEXT_FRAME_S = 0.03  # for which a run stands back after a camera's frame: the next one comes soon
_ERROR_PAUSE_S = 0.5  # after an error that is no job's own, so that it cannot keep a core busy


class Scheduler(OpenJobs):
    """Runs all jobs in slices, fairly between visitors.

    ``submit``, ``leave`` and the counts are safe from any thread; ``run`` is the worker's loop and
    the only place that calls runners. Fairness is by served time: every visitor is charged the
    seconds of the slices that worked for them (shared by a batch), and the one charged least goes
    first; one visitor's own runs take turns, and no run stands still because its owner is served
    in a batch with others. Quick questions go before long runs; cameras' frames and runs share the
    time.

    Whatever goes wrong with one job ends that job; any other error is logged and survived.
    """

    def __init__(
        self,
        make_runner: Callable[[Job], Runner],
        settings: Settings,
        *,
        explain: Explain = lambda _error: None,
        after_slice: Callable[[float, float, float], None] = lambda *_seconds: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make_runner = make_runner
        self._settings = settings
        self._explain = explain
        self._after_slice = after_slice
        self._clock = clock
        self._busy_since: float | None = None
        self._changed = threading.Condition()
        self._queue: list[Job] = []
        self._paused: list[Job] = []  # paused, with their state in job.saved
        self._runners: list[Runner] = []
        self._aside: dict[Job, Runner] = {}  # of runs that wait again and stay in their runner
        self._parked: dict[Runner, Future[Any]] = {}
        self._parked_at: dict[Runner, float] = {}
        self._turns = Turns()
        self._live_at = -math.inf  # when the last live frame was answered
        self._has_news = False
        self._is_stopped = False
        self._refusal: UserError | None = None  # of every run, where none is taken any more

    # -- from any thread -------------------------------------------------------------------

    def submit(
        self, spec: SpecT, owner: str, *, begin: Callable[[Job], None] | None = None
    ) -> Job[SpecT]:
        """Queue a spec for ``owner``.

        ``begin`` changes a job that an app server has let in already, before it is looked at.

        Raises:
            UserError: If the visitor has too many runs going, the queue is full, or no run is
                taken any more.
        """
        with self._changed:
            if self._refusal is not None and not spec.is_quick:
                raise self._refusal
            active = self._active()
            if begin is None:
                limits = self._settings
                refuse_excess(spec, owner, queue=self._queue, active=active, settings=limits)
            self._turns.served.admit(owner, active)
            job = Job(spec, owner, wake=self._wake, explain=self._explain)
            if begin is not None:
                begin(job)
            self._queue.append(job)
            self._rank()
            self._notify()
        return job

    def join(self, job: Job, owner: str) -> bool:
        """Let ``owner`` share an open job; ``False`` where it is about to be cancelled."""
        with self._changed:
            if job.cancel_requested:
                return False
            self._turns.served.admit(owner, self._active())
            job.owners |= {owner}
            return True

    def withdraw(self, job: Job, owner: str) -> None:
        """Let ``owner`` give up an open job; with nobody left who wants it, it is cancelled."""
        with self._changed:
            self._withdraw(job, owner)
            self._notify()

    def leave(self, owner: str) -> list[Job]:
        """Cancel the jobs of a visitor who is gone, unless others wait for them too; return those.

        They are over after the slice in progress; its pool work (``job.pool_work``) may go on.
        """
        with self._changed:
            mine = [job for job in self._active() if owner in job.owners]
            for job in mine:
                self._withdraw(job, owner)
            self._turns.served.forget(owner)
            self._notify()
        return [job for job in mine if job.cancel_requested]

    def open_jobs(self) -> list[Job]:
        """Every job that is not over."""
        with self._changed:
            return list(self._active())

    def refuse_runs(self, refusal: UserError) -> None:
        """Take only quick questions from now on, and fail what waits for its turn with the same."""
        with self._changed:
            self._refusal = refusal
            for job in [job for job in self._queue if not job.spec.is_quick]:
                self._remove_and_fail(job, refusal)

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
        # copies: the worker ends jobs, and drops runners, while others count them
        running = [job for runner in list(self._runners) for job in list(runner.jobs)]
        return self._queue + self._paused + running

    def _withdraw(self, job: Job, owner: str) -> None:
        if job.owners == {owner}:
            job.cancel_requested = True  # and stays its owner, for the slice in progress
        else:
            job.owners -= {owner}

    @property
    def busy_s(self) -> float:
        """Seconds since the worker last came back from a slice; 0 while it has nothing to do."""
        since, now = self._busy_since, self._clock()
        return 0.0 if since is None else now - since

    # -- the worker's loop -----------------------------------------------------------------

    def run(self) -> None:
        """Run slices until ``stop``; returns with no job left open."""
        try:
            while not self._is_stopped:
                try:
                    self._run_once()
                except Exception:
                    log.exception("the worker met an error that belongs to no job")
                    with self._changed:
                        self._changed.wait_for(lambda: self._is_stopped, _ERROR_PAUSE_S)
            with self._changed:
                for job in self._active():
                    job.cancel_requested = True
                self._apply_requests()
        finally:
            self._busy_since = None

    def fail_all(self, error: BaseException) -> None:
        """End every open job as failed and drop what was at work; after the worker's end."""
        with self._changed:
            for job in self._active():
                self._remove_and_fail(job, error)
            for runner in list(self._runners):
                self._drop_if_empty(runner)

    def _run_once(self) -> None:
        """Apply requests, start what there is room for, and run one slice."""
        with self._changed:
            self._busy_since = self._clock()
            self._has_news = False
            self._apply_requests()
            self._start_queued()
            runner = self._next_runner()
            if runner is not None and not runner.jobs[0].spec.is_quick:
                if self._awaits_frame():
                    return
                runner = self._stand_back() or runner
            if runner is None and not self._has_news and not self._is_stopped:
                self._busy_since = None
                self._changed.wait()
        if runner is not None:
            self._run_slice(runner)

    def _apply_requests(self) -> None:
        """Apply cancel, pause and resume of every job; drop runners without jobs."""
        for job in [*self._queue, *self._paused]:
            with self._failing_alone(job):
                self._apply_to_waiting(job)
        for runner in list(self._runners):
            for job in list(runner.jobs):
                with self._failing_alone(job):
                    self._apply_to_running(runner, job)
            self._drop_if_empty(runner)

    @contextmanager
    def _failing_alone(self, job: Job) -> Iterator[None]:
        """Let whatever goes wrong inside end this job only."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is ends this job only
            self._remove_and_fail(job, error)

    def _remove_and_fail(self, job: Job, error: BaseException) -> None:
        """Take a job out wherever it is, without asking its runner, and fail it."""
        for jobs in (self._queue, self._paused, *(runner.jobs for runner in self._runners)):
            if job in jobs:
                jobs.remove(job)
        self._close_aside(job)
        _end(job, error)

    def _apply_to_waiting(self, job: Job) -> None:
        home = self._queue if job in self._queue else self._paused
        if job.cancel_requested:
            home.remove(job)
            job.saved = None
            self._close_aside(job)
            job.mark_cancelled()
        elif home is self._paused and not job.pause_requested:
            home.remove(job)
            job.state = JobState.QUEUED
            self._queue.append(job)
        elif home is self._queue and job.pause_requested:
            home.remove(job)
            job.state = JobState.PAUSED
            self._paused.append(job)

    def _apply_to_running(self, runner: Runner, job: Job) -> None:
        if job.cancel_requested:
            runner.remove(job, keep=False)
            job.mark_cancelled()
        elif job.pause_requested and job.state is JobState.RUNNING:
            job.state = JobState.PAUSED
            if runner.remove(job, keep=True):
                self._paused.append(job)
        elif not job.pause_requested and job.state is JobState.PAUSED:
            job.state = JobState.RUNNING

    def _drop_if_empty(self, runner: Runner) -> None:
        if not runner.jobs and runner in self._runners:
            self._runners.remove(runner)
            self._close(runner)

    def _close_aside(self, job: Job) -> None:
        """Let the runner go in which a run stands aside, if it does."""
        runner = self._aside.pop(job, None)
        if runner is not None:
            runner.jobs.clear()
            self._close(runner)

    def _close(self, runner: Runner) -> None:
        self._parked.pop(runner, None)
        self._parked_at.pop(runner, None)
        try:
            runner.close()
        except Exception:
            log.exception("%s could not be closed", type(runner).__name__)

    def _start_queued(self) -> None:
        self._rank()
        can_make_room = bool(self._queue) and somebody_would_give_way(self._runners)
        for job in list(self._queue):
            if self._start(job) or (can_make_room and self._make_room(job) and self._start(job)):
                self._queue.remove(job)
        self._rank()

    def _make_room(self, job: Job) -> bool:
        """Have runs step aside for one that goes before them; they queue again."""
        leaving = to_give_way(job, self._runners)
        for runner, other in leaving:
            with self._failing_alone(other):
                other.step_aside()
                if not runner.remove(other, keep=True):
                    self._runners.remove(runner)
                    self._aside[other] = runner
                self._queue.append(other)
            self._drop_if_empty(runner)
        return bool(leaving)

    def _rank(self) -> None:
        rank(self._queue, [job for runner in self._runners for job in runner.jobs])

    def _start(self, job: Job) -> bool:
        """Give the job to a runner if there is room; say whether it is off the queue."""
        try:
            runner = self._shared_runner(job)
            if runner is not None:
                runner.add(job)
            else:
                if job.spec.is_run and self._runs_under_way() >= self._settings.max_running:
                    return False
                aside = self._aside.pop(job, None)
                self._runners.append(self._make_runner(job) if aside is None else aside)
        except Exception as error:  # noqa: BLE001 - the one boundary: whatever it is ends this job only
            _end(job, error)
            return True
        job.begin()
        return True

    def _runs_under_way(self) -> int:
        """Long runs that take turns now; one that resumes goes on at once, even above the limit."""
        return sum(runner.jobs[0].spec.is_run and _is_running(runner) for runner in self._runners)

    def _shared_runner(self, job: Job) -> Runner | None:
        key = job.spec.batch_key
        for runner in self._runners:
            if key is not None and runner.jobs[0].spec.batch_key == key and runner.has_room():
                return runner
        return None

    def _next_runner(self) -> Runner | None:
        return self._turns.next(
            [
                runner
                for runner in self._runners
                if _is_running(runner)
                and (runner not in self._parked or self._parked[runner].done())
            ]
        )

    def _stand_back(self) -> Runner | None:
        """Wait a moment for short questions that the pool prepares; the runner that is next then.

        A step of a large batch takes a third of a second, which the question would wait again.
        """
        waited_for = [
            (self._parked_at[runner] + _GRACE_S, future)
            for runner, future in self._parked.items()
            if runner.jobs[0].spec.is_quick
        ]
        if not waited_for:
            return None
        until = max(end for end, _future in waited_for)
        self._changed.wait_for(
            lambda: self._is_stopped or any(future.done() for _end, future in waited_for),
            max(0.0, until - time.monotonic()),
        )
        return self._next_runner()

    def _awaits_frame(self) -> bool:
        """Wait a moment for a camera's next frame, if it is due; whether there is news.

        Without that a visitor who is live would have one answer for each slice of a run.
        """
        begun_at = time.monotonic()
        left_s = self._live_at + _NEXT_FRAME_S - begun_at
        if left_s <= 0 or not self._turns.owes_live:
            return False
        self._changed.wait_for(lambda: self._has_news or self._is_stopped, left_s)
        self._turns.charge_live(time.monotonic() - begun_at)
        return self._has_news or self._is_stopped

    def _run_slice(self, runner: Runner) -> None:
        jobs = list(runner.jobs)
        clock, thread, process = time.perf_counter(), time.thread_time(), time.process_time()
        future = self._advance(runner, jobs)
        clock_s = time.perf_counter() - clock
        self._after_slice(clock_s, time.thread_time() - thread, time.process_time() - process)
        with self._changed:
            self._turns.charge(jobs, clock_s)
            if jobs[0].spec.is_live:
                self._live_at = time.monotonic()
            self._parked.pop(runner, None)
            if future is not None:
                self._parked[runner], self._parked_at[runner] = future, time.monotonic()
            for job in jobs:
                job.pool_work = future
            self._runners.remove(runner)
            self._runners.append(runner)  # the first in the list has waited longest
            self._drop_if_empty(runner)
        if future is not None:
            future.add_done_callback(lambda _future: self._wake())

    def _advance(self, runner: Runner, jobs: list[Job]) -> Future[Any] | None:
        try:
            return runner.advance()
        except Exception as error:  # noqa: BLE001 - whatever it is ends these jobs only
            for job in jobs:
                _end(job, error)
            runner.jobs.clear()
            return None


def _is_running(runner: Runner) -> bool:
    """Whether it has a job that is not paused."""
    return any(job.state is JobState.RUNNING for job in runner.jobs)


def _end(job: Job, error: BaseException) -> None:
    job.saved = None
    if isinstance(error, JobCancelled):
        job.mark_cancelled()
    else:
        job.fail(error)
