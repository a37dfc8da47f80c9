import time

import pytest

from tl_core.engine.job import Job
from tl_core.specs.training import FineTune, FineTuneSnapshot
from tl_core.training.progress import Progress


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock's reading, as the only item."""
    reading = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: reading[0])
    return reading


@pytest.fixture
def run(now: list[float]) -> tuple[Job, Progress]:
    """A run whose first counted phase has just begun."""
    job = Job(FineTune(dataset="digits"), "ann")
    progress = Progress(job, FineTuneSnapshot(phase="opening the data"))
    progress.phase("extracting features", 30)
    return job, progress


def test_others_turns_are_in_the_time_left_and_in_no_other_figure(
    now: list[float], run: tuple[Job, Progress]
) -> None:
    job, progress = run
    now[0] += 10
    job.waited_s += 8  # of them, others had eight
    progress.count(10, 30)
    assert progress.snapshot.seconds == 2
    assert progress.snapshot.photographs_per_s == 5
    assert progress.snapshot.seconds_left == 20


def test_a_pause_is_in_no_figure(now: list[float], run: tuple[Job, Progress]) -> None:
    job, progress = run
    now[0] += 2
    job.pause()
    now[0] += 60
    job.resume()
    job.waited_s += 60
    progress.count(10, 30)
    assert progress.snapshot.seconds == 2
    assert progress.snapshot.photographs_per_s == 5
    assert progress.snapshot.seconds_left == 4
