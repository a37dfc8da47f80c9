"""What is killed in the middle: one download, import, save or command, in its own process.

The process ends itself with SIGKILL at the n-th time that it opens, renames or deletes a file,
makes a folder, or is asked whether it goes on.
"""

import os
import signal
import sys
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from tl_core.backbones.store import BackboneStore
from tl_core.commands import main
from tl_core.commands.paths import write
from tl_core.datasets.archive_import import import_archive
from tl_core.datasets.catalogue import DATASETS, DataArchive
from tl_core.datasets.embedding_cache import EmbeddingCache, EmbeddingSpace
from tl_core.datasets.folder import FolderIndex, check_files
from tl_core.datasets.store import DatasetStore
from tl_core.fetching import CheckedFiles, DownloadRequest, fetch
from tl_core.settings import Settings
from tl_core.training.model_file import load_model, save_model

DATASET = next(row for row in DATASETS if row.key == "eurosat")
PHOTOGRAPHS = 6
SPACE = EmbeddingSpace("tiny", "32")
_EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "shutil.rmtree"}
_left = 0
_place = ""


def download(request: DownloadRequest, moment: int) -> None:
    arm(moment, request.target.parent)
    fetch(request, report=lambda *_: tick(), check=tick)


def import_data(stand_in: dict[str, object], folder: Path, moment: int) -> None:
    arm(moment, folder)
    datasets = store_with(stand_in, folder)
    import_archive(datasets, DATASET.key, report=lambda *_: tick(), check=tick)


def store_with(stand_in: dict[str, object], folder: Path) -> DatasetStore:
    """A store of one data set, whose archive is another."""
    assert isinstance(DATASET.source, DataArchive)
    source = replace(DATASET.source, **stand_in)  # type: ignore[arg-type]
    settings = Settings(data_dir=folder / "d", weights_dir=folder / "w", cache_dir=folder / "c")
    return DatasetStore(settings, (replace(DATASET, source=source, photographs=PHOTOGRAPHS),))


def save_file(path: Path, data: bytes, moment: int) -> None:
    arm(moment, path.parent)
    write(path, data)


def save_index(folder: Path, cache: Path, moment: int) -> None:
    index = FolderIndex(folder, cache)
    index.add(check_files(folder, index.unknown(), 10**6))
    arm(moment, cache)
    index.save()


def save_checksum(path: Path, sha256: str, cache: Path, moment: int) -> None:
    arm(moment, cache)
    CheckedFiles(cache).check(path, sha256)


def save_embeddings(settings: Settings, rows: list[float], moment: int) -> None:
    arm(moment, settings.cache_dir)
    EmbeddingCache(settings).put(SPACE, ["a"], np.array([rows], np.float16))


def save_trained(path: Path, saved: bytes, folder: Path, moment: int) -> None:
    model = load_model(saved, model_store(folder), key="own:x", owner="me")
    arm(moment, path.parent)
    write(path, save_model(model.backbone))


def model_store(folder: Path) -> BackboneStore:
    settings = Settings(data_dir=folder, weights_dir=folder, cache_dir=folder / "cache")
    return BackboneStore(settings, torch.device("cpu"))


def command(arguments: list[str], folder: Path, moment: int) -> None:
    """A command with its cache in the folder; what it prints goes to a file there."""
    os.environ |= {"TL_CACHE_DIR": str(folder / "cache"), "TL_DEVICE": "cpu"}
    os.environ |= {"TL_WEIGHTS_DIR": str(folder / "weights"), "TL_DATA_DIR": str(folder / "data")}
    with (folder / "printed").open("w") as printed, redirect_stdout(printed):
        arm(moment, folder)
        status = main(arguments)
    sys.exit(status)


def arm(moment: int, place: Path) -> None:
    """Die at the n-th event in a folder from here on."""
    global _left, _place
    _left, _place = moment, str(place)
    sys.addaudithook(_see)


def tick() -> None:
    global _left
    _left -= 1
    if _left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)


def _see(event: str, arguments: tuple[object, ...]) -> None:
    if event in _EVENTS and arguments and str(arguments[0]).startswith(_place):
        tick()
