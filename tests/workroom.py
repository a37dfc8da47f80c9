"""A toolbox for tests, and loops that stand in for the scheduler."""

from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any

import torch

from tl_core.backbones.store import BackboneStore
from tl_core.engine.job import Job
from tl_core.engine.pool import Pool
from tl_core.engine.runner import SoloRunner, Work
from tl_core.images.album import Album
from tl_core.settings import Settings
from tl_core.specs import Snapshot, Spec
from tl_core.toolbox import Toolbox

Room = Callable[[Job, Toolbox], Work]


def make_toolbox(store: BackboneStore | None = None) -> Toolbox:
    """A fresh toolbox on the CPU; with ``store`` the networks in that are shared."""
    settings = Settings.from_env({"TL_PROFILE": "server"})
    device = torch.device("cpu")
    album = Album(settings.photo_memory_mb * 2**20, settings.max_pixels)
    return Toolbox(settings, device, store or BackboneStore(settings, device), album, Pool())


def start(room: Room, spec: Spec, toolbox: Toolbox) -> SoloRunner:
    job = Job(spec, "visitor")
    return SoloRunner(job, room(job, toolbox))


def turn(runner: SoloRunner) -> None:
    """One slice, and the wait for what it stepped aside for."""
    parked = runner.advance()
    if parked is not None:
        parked.exception()  # the runner hands an error on


def drive(room: Room, spec: Spec, toolbox: Toolbox) -> Any:
    """The final snapshot."""
    return drive_all([(room, spec)], toolbox)[0]


def drive_all(work: list[tuple[Room, Spec]], toolbox: Toolbox) -> list[Snapshot | None]:
    """The final snapshots of jobs that take turns, a slice each."""
    runners = [start(room, spec, toolbox) for room, spec in work]
    jobs = [runner.jobs[0] for runner in runners]
    while active := [runner for runner in runners if runner.jobs]:
        for runner in active:
            turn(runner)
    return [job.snapshot for job in jobs]


def finish(work: Generator[Future[Any] | None, Any, Any]) -> Any:
    """What a generator of slices returns."""
    sent = None
    while True:
        try:
            parked = work.send(sent)
        except StopIteration as end:
            return end.value
        sent = None if parked is None else parked.result()
