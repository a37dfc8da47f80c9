"""A context for tests, and loops that stand in for the scheduler."""

from collections.abc import Callable
from typing import Any

import torch

from tl_core.backbones.store import BackboneStore
from tl_core.context import Context
from tl_core.datasets.store import DatasetStore
from tl_core.engine.job import Job
from tl_core.engine.memory import VisitorMemory
from tl_core.engine.pool import Pool
from tl_core.engine.runner import Sliced, SoloRunner
from tl_core.images.photo_store import PhotoStore
from tl_core.settings import Settings
from tl_core.specs.base import Spec

Handler = Callable[[Job[Any], Context], Sliced[Any]]


def make_context(store: BackboneStore | None = None) -> Context:
    """A fresh context on the CPU; with ``store`` the networks in that are shared."""
    settings = Settings.from_env({"TL_PROFILE": "server"})
    device = torch.device("cpu")
    photos = PhotoStore(settings.photo_memory_mb * 2**20, settings.max_pixels)
    backbones = store or BackboneStore(settings, device)
    return Context(
        settings, device, backbones, photos, DatasetStore(settings), Pool(), VisitorMemory(2**30)
    )


def start(handler: Handler, spec: Spec, context: Context) -> SoloRunner:
    job = Job(spec, "visitor")
    return SoloRunner(job, handler(job, context))


def turn(runner: SoloRunner) -> None:
    """One slice, and the wait for what it stepped aside for."""
    parked = runner.advance()
    if parked is not None:
        parked.exception()  # the runner hands an error on


def drive(handler: Handler, spec: Spec, context: Context) -> Any:
    """The final snapshot."""
    runner = start(handler, spec, context)
    (job,) = runner.jobs
    while runner.jobs:
        turn(runner)
    return job.snapshot


def finish(work: Sliced[Any]) -> Any:
    """What a generator of slices returns."""
    sent = None
    while True:
        try:
            parked = work.send(sent)
        except StopIteration as end:
            return end.value
        sent = None if parked is None else parked.result()
