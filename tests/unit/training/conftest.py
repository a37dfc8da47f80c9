import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image

from tests.hostile import saved
from tl_core.backbones.catalogue import CATALOGUE, BackboneRow, DownloadableWeights, Stage
from tl_core.backbones.store import BackboneStore
from tl_core.context import Context
from tl_core.datasets.store import DatasetStore
from tl_core.engine.job import Job
from tl_core.engine.memory import VisitorMemory
from tl_core.engine.pool import Pool
from tl_core.images.photo_store import PhotoStore
from tl_core.local.handlers import make_runner
from tl_core.settings import Settings
from tl_core.specs.base import Snapshot, Spec

CPU = torch.device("cpu")


def photo_of(label: int, number: int) -> Image.Image:
    """A noisy picture, reddish for label 0 and bluish for label 1."""
    noise = np.random.default_rng(1000 * label + number).integers(0, 60, (40, 40, 3), np.uint8)
    noise[..., 2 * label] += 120
    return Image.fromarray(noise)


@pytest.fixture(scope="session")
def tiny_row(tmp_path_factory: pytest.TempPathFactory) -> tuple[BackboneRow, Path]:
    """timm's smallest ResNet with random weights on disk, and the folder they are in."""
    folder = tmp_path_factory.mktemp("weights")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = timm.create_model("test_resnet", pretrained=False)
    path = folder / "tiny.pth"
    torch.save(network.state_dict(), path)
    digits = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    path.rename(folder / f"tiny-{digits}.pth")
    row = dataclasses.replace(
        CATALOGUE[0],
        key="tiny",
        label="Tiny",
        architecture="test_resnet",
        source=DownloadableWeights(f"http://localhost/tiny-{digits}.pth", 1.0),
        input_size=32,
        resize=36,
        head="fc",
        stages=(Stage("layer1", "edges and colours"), Stage("layer4", "whole objects")),
        gflops=0.01,
    )
    return row, folder


@pytest.fixture
def settings(tmp_path: Path, tiny_row: tuple[BackboneRow, Path]) -> Settings:
    for label, name in enumerate(("red", "blue")):
        folder = tmp_path / "data" / "colours" / name
        folder.mkdir(parents=True)
        for number in range(12):
            data = saved(photo_of(label, number), "PNG")
            (folder / f"{number}.png").write_bytes(data)
    return Settings(
        data_dir=tmp_path / "data", weights_dir=tiny_row[1], cache_dir=tmp_path / "cache"
    )


@pytest.fixture
def context(settings: Settings, tiny_row: tuple[BackboneRow, Path]) -> Iterator[Context]:
    pool = Pool()
    store = BackboneStore(settings, CPU, (tiny_row[0],))
    yield Context(
        settings,
        CPU,
        store,
        PhotoStore(2**24, settings.max_pixels),
        DatasetStore(settings),
        pool,
        VisitorMemory(2**30),
    )
    pool.close()


Do = Callable[..., Job]


@pytest.fixture
def do(context: Context) -> Do:
    """Turn a spec's handler as the worker does; ``on`` sees the job after every slice."""

    def turn(spec: Spec, *, owner: str = "me", on: Callable[[Job], None] = lambda job: None) -> Job:
        return run_to_the_end(spec, context, owner=owner, on=on)

    return turn


def run_to_the_end(
    spec: Spec,
    context: Context,
    *,
    owner: str = "me",
    on: Callable[[Job], None] = lambda job: None,
) -> Job:
    job = Job(spec, owner)
    runner = make_runner(job, context)
    while runner.jobs:
        parked = runner.advance()
        if parked is not None:
            parked.exception()  # waits; the runner hands the error on
        on(job)
    return job


@pytest.fixture
def snapshots() -> tuple[list[Snapshot], Callable[[Job], None]]:
    """A list, and a function that adds each new snapshot of a job to it."""
    seen: list[Snapshot] = []

    def watch(job: Job) -> None:
        if job.snapshot is not None and (not seen or seen[-1] is not job.snapshot):
            seen.append(job.snapshot)

    return seen, watch
