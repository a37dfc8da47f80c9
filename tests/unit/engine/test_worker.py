import logging
import threading
import time
from pathlib import Path

import pytest

from tests.unit.engine.test_scheduler import WAIT_S, Long
from tl_core.engine.job import Job, JobState
from tl_core.engine.runner import SoloRunner
from tl_core.engine.scheduler import Scheduler
from tl_core.engine.worker import EXIT_STATUS, Worker
from tl_core.settings import Settings
from tl_core.specs.base import Snapshot

HANG_S = 0.05


class Bench:
    """A worker whose runs do what their spec's name says."""

    def __init__(self, *, clock=time.monotonic, **options):
        self.gate = threading.Event()
        self.is_inside = threading.Event()
        self.left: list[int] = []
        self.has_left = threading.Event()
        self.scheduler = Scheduler(
            lambda job: SoloRunner(job, self.work(job)),
            Settings(data_dir=Path(), weights_dir=Path()),
            clock=clock,
        )
        self.worker = Worker(
            self.scheduler,
            name="test-worker",
            prepare_thread=lambda: None,
            leave_process=self.leave,
            **{"hang_s": 120.0} | options,
        )

    def work(self, job):
        if job.spec.name == "hangs":
            self.is_inside.set()
            self.gate.wait(WAIT_S)
        if job.spec.name == "ends the thread":
            raise SystemExit
        yield None
        return Snapshot()

    def leave(self, status):
        self.left.append(status)
        self.has_left.set()

    def submit(self, name="") -> Job:
        return self.scheduler.submit(Long(name=name), "ann")

    def __enter__(self):
        self.worker.start()
        return self

    def __exit__(self, *_exc):
        self.gate.set()
        assert self.worker.close(WAIT_S)


def test_a_thread_that_dies_is_replaced_and_its_open_jobs_fail_in_a_sentence(caplog):
    bench = Bench()
    waiting = bench.submit("hangs")
    paused = bench.submit()
    paused.pause()
    with bench:
        assert bench.is_inside.wait(WAIT_S)
        fatal = bench.submit("ends the thread")
        bench.gate.set()
        assert fatal.wait(WAIT_S)
        after = bench.submit()
        assert after.wait(WAIT_S)
    assert waiting.is_over
    for job in (fatal, paused):
        assert job.state is JobState.FAILED
        assert "Please start it again" in str(job.error)
    assert after.state is JobState.DONE
    assert "another takes its place" in caplog.text


def test_a_slice_that_does_not_come_back_is_said_until_it_does():
    with Bench(hang_s=HANG_S) as bench:
        assert bench.worker.trouble() is None
        job = bench.submit("hangs")
        assert bench.is_inside.wait(WAIT_S)
        while bench.worker.trouble() is None:
            threading.Event().wait(HANG_S / 5)
        assert "has not answered" in str(bench.worker.trouble())
        assert bench.left == []
        bench.gate.set()
        assert job.wait(WAIT_S)
        while bench.worker.trouble() is not None:
            threading.Event().wait(HANG_S / 5)


def test_where_it_is_wished_a_hanging_lab_ends_its_process(caplog):
    with Bench(hang_s=HANG_S, exits_on_hang=True) as bench:
        bench.submit("hangs")
        assert bench.has_left.wait(WAIT_S)
    assert bench.left == [EXIT_STATUS]
    assert "has not answered" in caplog.text


def test_a_worker_without_work_is_not_taken_for_a_hanging_one():
    with Bench(hang_s=HANG_S) as bench:
        assert bench.submit().wait(WAIT_S)
        threading.Event().wait(3 * HANG_S)
        assert bench.worker.trouble() is None


def test_a_broken_device_stays_broken():
    with Bench() as bench:
        bench.worker.note_broken()
        assert bench.submit().wait(WAIT_S)
        assert "graphics card has failed" in str(bench.worker.trouble())


@pytest.mark.parametrize("place", ["remove", "close"])
def test_an_error_while_a_run_is_given_up_ends_that_run_alone(place, caplog, monkeypatch):
    def broken(self, *_arguments, **_options):
        raise RuntimeError("secret detail")

    bench = Bench()
    monkeypatch.setattr(SoloRunner, place, broken)
    with bench, caplog.at_level(logging.ERROR):
        job = bench.submit("hangs")
        assert bench.is_inside.wait(WAIT_S)
        job.cancel()
        bench.gate.set()
        assert job.wait(WAIT_S)
        other = bench.submit()
        assert other.wait(WAIT_S)
        assert other.state is JobState.DONE
    assert job.is_over
    assert "secret detail" in caplog.text


def test_an_error_of_no_job_is_logged_and_survived(caplog, monkeypatch):
    bench = Bench()
    sweep, errors = Scheduler._apply_requests, iter([RuntimeError("secret detail")])

    def broken(self):
        for error in errors:
            raise error
        sweep(self)

    monkeypatch.setattr(Scheduler, "_apply_requests", broken)
    with bench:
        job = bench.submit()
        assert job.wait(WAIT_S)
    assert job.state is JobState.DONE
    assert "secret detail" in caplog.text
