import time
from concurrent.futures import Future

import pytest

from tl_core.engine.job import Job
from tl_core.engine.runner import SoloRunner
from tl_core.specs.base import Snapshot, Spec


@pytest.fixture
def clock(monkeypatch):
    """Set ``clock[0]`` to move the time."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_a_jobs_clock_runs_in_its_slices_and_while_the_pool_works_for_it(clock):
    future: Future[None] = Future()
    read: list[float] = []

    def work():
        clock[0] += 1  # a slice
        yield None
        clock[0] += 2  # another, that ends in the pool
        yield future
        read.append(job.worked_s())
        return Snapshot()

    job = Job(Spec(), "ann")
    began = job.worked_s()
    runner = SoloRunner(job, work())
    runner.advance()
    clock[0] += 40  # others have their turn
    runner.advance()
    clock[0] += 4  # the pool works
    future.set_result(None)
    clock[0] += 80  # others again
    runner.advance()
    assert read[0] - began == 1 + 2 + 4


def test_a_jobs_seconds_leave_pauses_out(clock):
    job = Job(Spec(), "ann")
    job.started_at = clock[0]
    clock[0] += 5
    job.pause()
    clock[0] += 60
    assert (job.seconds, job.paused_s) == (5, 60)
    job.resume()
    clock[0] += 2
    assert (job.seconds, job.paused_s) == (7, 60)
