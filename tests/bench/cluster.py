"""How quickly a cluster of this computer answers, obeys, and goes on after a loss.

``python -m tl_core bench cluster``: two machines with a core each, over both kinds of address.
"""

import os
import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tests.cluster.conftest import compute_of, machine_of, process_of, until, usable
from tests.cluster.ray_head import ray_head
from tl_core.lab import Job, JobState, Lab, Settings
from tl_core.specs.classify import Classify
from tl_core.specs.ideal import IdealImage

TIMES = 20
PICTURE = IdealImage(target=281, steps=4000)


def main(_arguments: Sequence[str]) -> int:
    """Print a line for each figure."""
    with tempfile.TemporaryDirectory() as name, ray_head(Path(name)) as head:
        folder = Path(name) / "app server"
        settings = Settings(
            data_dir=folder, weights_dir=folder, cache_dir=folder, cluster=head.node, actor_cores=1
        )
        for address in (head.node, head.client):
            with Lab(replace(settings, cluster=address)) as lab:
                until(lambda lab=lab: len(usable(lab)) == 2)  # type: ignore[misc]
                print(f"\n{address.partition('127')[0] or 'as a node'}")
                _questions(lab)
                _controls(lab)
                _loss(lab)
    return 0


def _questions(lab: Lab) -> None:
    for client in usable(lab):  # both load the network
        client.ask("network", "save", PICTURE.backbone)
    seconds = []
    for seed in range(TIMES):
        begin = time.monotonic()
        job = lab.jobs.submit(Classify(photo="sample:cat", seed=seed), "ann")
        job.wait()
        looked_s = getattr(job.snapshot, "milliseconds", 0.0) / 1000
        seconds.append(time.monotonic() - begin - looked_s)
    _print("a question, without the look itself", seconds)


def _controls(lab: Lab) -> None:
    job = _running(lab)
    figures: dict[str, list[float]] = {"pause": [], "resume": []}
    for _ in range(TIMES):
        figures["pause"].append(_time(job.pause, lambda: job.state is JobState.PAUSED))
        figures["resume"].append(_time(job.resume, lambda: job.state is JobState.RUNNING))
    for name, seconds in figures.items():
        _print(name, seconds)
    cancels = [_time(job.cancel, lambda: job.is_over)]
    for _ in range(TIMES // 4):
        other = _running(lab)
        cancels.append(_time(other.cancel, lambda other=other: other.is_over))  # type: ignore[misc]
    _print("cancel", cancels)


def _loss(lab: Lab) -> None:
    job = _running(lab)
    placed = compute_of(lab).queue._jobs[job.id]
    until(lambda: len(placed.handed) == 2)
    lost, step = placed.client, job.snapshot.step if job.snapshot else 0
    pid = process_of(machine_of(lab, job))
    seconds = [
        _time(
            lambda: os.kill(pid, signal.SIGKILL),
            lambda: placed.client is not lost and job.snapshot is not None and placed.losses == 1,
        )
    ]
    _print("kill -9 until its picture is elsewhere", seconds)
    begin = time.monotonic()
    until(lambda: job.snapshot is not None and job.snapshot.step > step)
    _print("then until it is further than before", [time.monotonic() - begin])
    until(lambda: len(usable(lab)) == 2)
    _print("then until the machine is back", [time.monotonic() - begin])
    job.cancel()
    job.wait()


def _running(lab: Lab) -> Job:
    job: Job = lab.jobs.submit(PICTURE, "ann")
    until(lambda: job.snapshot is not None and job.snapshot.step > 0)
    return job


def _time(act: Callable[[], object], is_so: Callable[[], bool]) -> float:
    begin = time.monotonic()
    act()
    while not is_so():
        time.sleep(0.002)
    return time.monotonic() - begin


def _print(name: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    print(f"{name}: half within {statistics.median(ordered):.3f} s, all within {ordered[-1]:.3f} s")
