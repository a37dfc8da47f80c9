"""Processes killed in a download, an import, a save or a command: nothing half counts."""

import functools
import hashlib
import json
import multiprocessing
import os
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fuzz import killed_work
from tests.fuzz.registry import Kind
from tests.hostile import photo, saved
from tests.model_files import of_raw_pixels
from tests.server import Faults, FileServer
from tests.zips import zipped
from tl_core.commands.paths import write
from tl_core.datasets.archive_import import import_archive
from tl_core.datasets.catalogue import Handful
from tl_core.datasets.embedding_cache import EmbeddingCache
from tl_core.datasets.folder import FolderIndex, check_files
from tl_core.fetching import CheckedFiles, DownloadRequest, fetch
from tl_core.images.decode import decode
from tl_core.leftovers import delete_parts
from tl_core.machine.files import unfinished_below
from tl_core.settings import Settings
from tl_core.training.model_file import load_model

_WAIT_S = 60
_NEVER = 10**9


def killed_download(seed: int) -> None:
    """Killed up to three times, on a good or a bad server; the next one ends with the file."""
    chance = random.Random(seed)
    data = chance.randbytes(chance.choice((1, 3000, 600_000)))
    sha256 = hashlib.sha256(data).hexdigest()
    faults = Faults(
        cut_after=chance.choice((None, None, 100_000)),
        sends_version=chance.random() < 0.7,
        ignores_range=chance.random() < 0.3,
    )
    with tempfile.TemporaryDirectory() as name, FileServer({"a.pth": data}, faults) as server:
        request = DownloadRequest(server.url("a.pth"), Path(name) / "w" / "a.pth", sha256[:8])
        for _ in range(chance.randrange(1, 4)):
            _killed(killed_work.download, request, chance.randrange(1, 30))
            assert not request.target.exists() or request.target.read_bytes() == data
        fetch(request, report=lambda *_: None, check=lambda: None)
        assert request.target.read_bytes() == data
        delete_parts(request.target, is_needed=False)  # as the next lab does at its start
        assert os.listdir(request.target.parent) == [request.target.name]


def killed_import(seed: int) -> None:
    """Killed up to three times; a folder that is there is whole, and the next import ends.

    Of all of an archive, or of a handful that is all of it, with and without ranges.
    """
    chance = random.Random(seed)
    data, key = _archive(), killed_work.DATASET.key
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    handful = chance.choice((None, Handful(killed_work.PHOTOGRAPHS // 2, len(data))))
    faults = Faults(ignores_range=chance.random() < 0.3)
    with tempfile.TemporaryDirectory() as name, FileServer({"a.zip": data}, faults) as server:
        stand_in = {"url": server.url("a.zip"), "size_bytes": len(data), "md5": md5}
        stand_in |= {"handful": handful}
        datasets = killed_work.store_with(stand_in, Path(name))
        for _ in range(chance.randrange(1, 4)):
            _killed(killed_work.import_data, stand_in, Path(name), chance.randrange(1, 70))
            if datasets.entries()[0].state == "ready":
                names = FolderIndex(datasets.folder(key), Path(name) / "c").names
                assert len(names) == killed_work.PHOTOGRAPHS
        folder = import_archive(datasets, key, report=lambda *_: None, check=lambda: None)
        index = FolderIndex(folder, Path(name) / "c")
        index.add(check_files(folder, index.unknown(), 10**6))
        assert len(datasets.open(index).examples) == killed_work.PHOTOGRAPHS
        assert os.listdir(datasets.settings.data_dir) == [key]


def killed_save(seed: int) -> None:
    """A file of a command, and what the lab keeps for later: the old one, the new one, or none."""
    chance = random.Random(seed)
    moment = chance.randrange(1, 9)
    with tempfile.TemporaryDirectory() as name:
        chance.choice((_file, _index, _checksum, _embeddings))(Path(name), moment)


def _file(folder: Path, moment: int) -> None:
    path = folder / "picture.png"
    path.write_bytes(b"old")
    _killed(killed_work.save_file, path, b"new" * 10_000, moment)
    assert path.read_bytes() in (b"old", b"new" * 10_000)


def _index(folder: Path, moment: int) -> None:
    data = folder / "data"
    for label in ("a", "b"):
        (data / label).mkdir(parents=True)
        (data / label / "1.png").write_bytes(saved(photo(), "PNG"))
    _killed(killed_work.save_index, data, folder / "cache", moment)
    assert len(FolderIndex(data, folder / "cache").unknown()) in (0, 2)


def _checksum(folder: Path, moment: int) -> None:
    path = folder / "weights"
    path.write_bytes(b"weights")
    sha256 = hashlib.sha256(b"weights").hexdigest()
    _killed(killed_work.save_checksum, path, sha256, folder / "cache", moment)
    assert CheckedFiles(folder / "cache").is_published(path, sha256) in (None, True)
    assert CheckedFiles(folder / "cache").check(path, sha256)


def _embeddings(folder: Path, moment: int) -> None:
    settings = Settings(data_dir=folder, weights_dir=folder, cache_dir=folder / "cache")
    _killed(killed_work.save_embeddings, settings, [1.0, 2.0], moment)
    kept = EmbeddingCache(settings).get(killed_work.SPACE, ["a"])
    assert not kept or kept["a"].tolist() == [1.0, 2.0]


def killed_model(seed: int) -> None:
    """A trained model on its way to a file: the old one, the new one, or none, and all of it."""
    chance = random.Random(seed)
    saved_model = of_raw_pixels("Mine", ["a", "b"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "out" / "model.safetensors"
        path.parent.mkdir()
        for _ in range(chance.randrange(1, 3)):
            _killed(killed_work.save_trained, path, saved_model, folder, chance.randrange(1, 4))
            assert not path.exists() or _is_model(path)
        _age_unfinished(folder)
        write(path, saved_model)
        assert os.listdir(path.parent) == [path.name]


def killed_command(seed: int) -> None:
    """A command for another program: all of its answer and its file, or nothing of them."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        arguments, is_whole, most = _command(chance, folder)
        out = folder / "out" / "file"
        out.parent.mkdir()
        for moment in (chance.randrange(1, most), _NEVER):
            status = _killed(killed_work.command, arguments, folder, moment)
            printed = (folder / "printed").read_text()
            assert bool(printed) == (status == 0)
            assert not printed or json.loads(printed)
            assert not out.exists() or is_whole(out)
            _age_unfinished(folder)
        assert printed
        left = [path.name for path in folder.rglob(".*")]
        assert (os.listdir(out.parent), left) == (["file"] if "--out" in arguments else [], [])


def _command(chance: random.Random, folder: Path) -> tuple[list[str], Callable[[Path], bool], int]:
    """One that answers in JSON, how its file is whole, and about how often it touches files."""
    for number in range(8):
        place = folder / "data" / "pets" / ("cat", "dog")[number % 2] / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(saved(photo(40 + number, 40), "PNG"))
    out = ["--json", "--out", str(folder / "out" / "file")]
    data = ["--data", str(folder / "data" / "pets"), "--mode", "pixels", "--epochs", "1"]
    return chance.choice(
        (
            (["classify", str(place), "--json"], lambda _: False, 12),
            (["features", str(place), "--layer", "blocks.2.0", *out], _is_picture, 14),
            (["train", *data, *out], _is_model, 40),
        )
    )


def _is_picture(path: Path) -> bool:
    return decode(path.read_bytes(), max_pixels=10**8) is not None


def _is_model(path: Path) -> bool:
    store = killed_work.model_store(path.parent)
    return load_model(path.read_bytes(), store, key="own:x", owner="me") is not None


def _age_unfinished(folder: Path) -> None:
    """Let two hours pass for what was being written."""
    for path in unfinished_below(folder):
        os.utime(path, (0, 0))


KINDS = (
    Kind("killed download", killed_download, share=0.15),
    Kind("killed import", killed_import, share=0.12),
    Kind("killed save", killed_save, share=0.15),
    Kind("killed model", killed_model, share=0.15),
    Kind("killed command", killed_command, share=0.12),
)


def _killed(work: Callable[..., None], *arguments: Any) -> int:
    """Run the work in a process that kills itself on the way, or is done before; its status."""
    process = _processes().Process(target=work, args=arguments)
    process.start()
    process.join(_WAIT_S)
    status = process.exitcode
    assert status in (0, -9), status
    process.close()
    return int(status)


@functools.cache
def _processes() -> Any:
    """Where processes come from one that has everything imported and no threads."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.fuzz.killed_work"])
    return context


@functools.cache
def _archive() -> bytes:
    names = [("Forest", "River")[number % 2] for number in range(killed_work.PHOTOGRAPHS)]
    return zipped(
        (f"2750/{name}/{name}_{number}.jpg", saved(photo(40 + number, 40), "JPEG"))
        for number, name in enumerate(names)
    )
