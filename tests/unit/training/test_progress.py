import time

import pytest

from tl_core.engine.job import Job
from tl_core.specs import FineTune, FineTuneSnapshot
from tl_core.training.progress import Progress


def test_others_turns_are_in_the_time_left_and_in_no_other_figure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    job = Job(FineTune(dataset="digits"), "ann")
    progress = Progress(job, FineTuneSnapshot(phase="opening the data"))
    progress.phase("extracting features", 30)
    now[0] += 10
    job.waited_s += 8  # of them, others had eight
    progress.count(10, 30)
    assert progress.snapshot.seconds == 2
    assert progress.snapshot.photographs_per_s == 5
    assert progress.snapshot.seconds_left == 20


def test_a_pause_is_in_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    job = Job(FineTune(dataset="digits"), "ann")
    progress = Progress(job, FineTuneSnapshot(phase="opening the data"))
    progress.phase("extracting features", 30)
    now[0] += 2
    job.pause()
    now[0] += 60
    job.resume()
    job.waited_s += 60
    progress.count(10, 30)
    assert progress.snapshot.seconds == 2
    assert progress.snapshot.photographs_per_s == 5
    assert progress.snapshot.seconds_left == 4
