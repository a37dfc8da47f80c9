import dataclasses
import errno
import hashlib
import io
import itertools
import shutil
import tarfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.hostile import photo, saved
from tests.server import Faults, FileServer
from tests.zips import zipped
from tl_core.datasets.archive_import import import_archive
from tl_core.datasets.catalogue import DATASETS, DataArchive
from tl_core.datasets.folder import FolderIndex, check_files
from tl_core.datasets.store import DatasetStore
from tl_core.engine.job import JobCancelled
from tl_core.errors import UserError
from tl_core.settings import Settings

ROWS = {row.key: row for row in DATASETS}
Files = dict[str, bytes]


def jpeg(number: int) -> bytes:
    return saved(photo(40 + number), "JPEG")


def tarred(files: Files) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            packed.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


# Small archives laid out as the publishers' are
STAND_INS: dict[str, tuple[Callable[[Files], bytes], Files, tuple[str, ...]]] = {
    "microsoft_cats_and_dogs": (
        lambda files: zipped(files.items()),
        {
            "readme[1].txt": b"hello",
            "PetImages/Cat/0.jpg": jpeg(0),
            "PetImages/Cat/666.jpg": b"",
            "PetImages/Cat/Thumbs.db": b"x",
            "PetImages/Dog/0.jpg": jpeg(1),
            "PetImages/Dog/1.jpg": jpeg(2),
        },
        ("Cat/0.jpg", "Dog/0.jpg", "Dog/1.jpg"),
    ),
    "oxford_iiit_pet": (
        tarred,
        {
            "images/Abyssinian_1.jpg": jpeg(0),
            "images/great_pyrenees_12.jpg": jpeg(1),
            "images/great_pyrenees_13.jpg": b"damaged",
            "images/Abyssinian_1.mat": b"x",
        },
        ("Abyssinian/Abyssinian_1.jpg", "Great Pyrenees/great_pyrenees_12.jpg"),
    ),
    "eurosat": (
        lambda files: zipped(files.items()),
        {"2750/Forest/Forest_1.jpg": jpeg(0), "2750/River/River_1.jpg": jpeg(1)},
        ("Forest/Forest_1.jpg", "River/River_1.jpg"),
    ),
}


@contextmanager
def publisher(
    folder: Path,
    key: str = "eurosat",
    files: Files | None = None,
    *,
    photographs: int = 2,
    faults: Faults | None = None,
) -> Iterator[tuple[FileServer, DatasetStore, bytes]]:
    """A server of a stand-in, the store that downloads from it, and the archive."""
    source, (pack, usual, _names) = ROWS[key].source, STAND_INS[key]
    assert isinstance(source, DataArchive)
    data = pack(files or usual)
    with FileServer({source.file_name: data}, faults or Faults()) as server:
        md5 = hashlib.md5(data).hexdigest() if source.md5 else ""
        url = server.url(source.file_name)
        stand_in = dataclasses.replace(source, url=url, size_bytes=len(data), md5=md5)
        row = dataclasses.replace(ROWS[key], source=stand_in, photographs=photographs)
        settings = Settings(
            data_dir=folder / "data", weights_dir=folder, cache_dir=folder / "cache"
        )
        yield server, DatasetStore(settings, (row,)), data


def imported(datasets: DatasetStore, report: Any = None, check: Any = None) -> Path:
    """Import the one data set of the store."""
    (key,) = datasets.rows
    report, check = report or (lambda *_: None), check or (lambda: None)
    return import_archive(datasets, key, report=report, check=check)


def leftovers(datasets: DatasetStore) -> list[str]:
    """The files in the data folder, and its folders without any."""
    found = datasets.settings.data_dir.rglob("*")
    return sorted(p.name for p in found if p.is_file() or not any(p.iterdir()))


@pytest.mark.parametrize("key", STAND_INS)
def test_an_archive_becomes_a_folder_per_class(key: str, tmp_path: Path) -> None:
    expected = STAND_INS[key][2]
    phases: set[str] = set()
    with publisher(tmp_path, key, photographs=len(expected)) as (_server, datasets, _data):
        folder = imported(datasets, report=lambda phase, *_: phases.add(phase))
    assert phases == {"downloading", "unpacking"}
    index = FolderIndex(folder, tmp_path / "cache")
    index.add(check_files(folder, index.unknown(), 10**6))
    assert tuple(e.name for e in datasets.open(index).examples) == expected
    assert datasets.entries()[0].state == "ready"
    unreadable = sum(1 for name in index.names if not index.known[name].key)
    assert len(leftovers(datasets)) == len(expected) + unreadable


def test_an_archive_for_whose_photographs_the_disk_has_no_room_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with publisher(tmp_path, photographs=100) as (_server, datasets, data):
        kept = datasets.settings.keep_free_disk_mb * 2**20
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=kept + len(data)))
        with pytest.raises(UserError, match="needs 1024 MB more on the disk"):
            imported(datasets)
    assert leftovers(datasets) == ["EuroSAT.zip"]


@pytest.mark.parametrize("damage", ["cut", "few"])
def test_a_damaged_archive_leaves_nothing(damage: str, tmp_path: Path) -> None:
    key = "microsoft_cats_and_dogs"  # without a checksum
    with publisher(tmp_path, key, photographs=100) as (server, datasets, data):
        if damage == "cut":
            server.files = dict.fromkeys(server.files, data[: len(data) // 2])
        with pytest.raises(UserError, match="damaged"):
            imported(datasets)
    assert leftovers(datasets) == []


def test_a_disk_that_fills_up_leaves_only_the_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, written = Path.write_bytes, itertools.count()

    def has_room_for_one(place: Path, data: bytes) -> int:
        if next(written):
            raise OSError(errno.ENOSPC, "No space left on device", str(place))
        return write(place, data)

    monkeypatch.setattr(Path, "write_bytes", has_room_for_one)
    with (
        publisher(tmp_path) as (_server, datasets, _data),
        pytest.raises(UserError, match=r"can't write to the folder .*: No space left"),
    ):
        imported(datasets)
    assert leftovers(datasets) == ["EuroSAT.zip"]
    assert not datasets.folder("eurosat").exists()


@pytest.mark.parametrize("name", ["eurosat/notes.txt", "eurosat"])
def test_what_is_in_the_way_is_told_before_the_download(name: str, tmp_path: Path) -> None:
    with publisher(tmp_path) as (server, datasets, _data):
        place = datasets.settings.data_dir / name
        place.parent.mkdir(parents=True)
        place.write_text("mine")
        with pytest.raises(UserError, match="Move or delete it"):
            imported(datasets)
        assert server.exchanges == []
    assert place.read_text() == "mine"


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, not a folder")
    with (
        publisher(tmp_path) as (_server, datasets, _data),
        pytest.raises(UserError, match="set TL_DATA_DIR to another folder"),
    ):
        imported(datasets)


def test_a_cancel_while_unpacking_leaves_only_the_download(tmp_path: Path) -> None:
    phases: list[str] = []

    def check() -> None:
        if phases[-1:] == ["unpacking"]:
            raise JobCancelled

    with publisher(tmp_path) as (_server, datasets, _data):
        with pytest.raises(JobCancelled):
            imported(datasets, report=lambda phase, *_: phases.append(phase), check=check)
        assert leftovers(datasets) == ["EuroSAT.zip"]
        imported(datasets)
    assert leftovers(datasets) == ["Forest_1.jpg", "River_1.jpg"]


def test_members_cannot_leave_their_folder(tmp_path: Path) -> None:
    files = {"2750/../x.jpg": jpeg(0), "../../2750/Forest/..jpg": jpeg(1)}
    with publisher(tmp_path, files=files, photographs=1) as (_server, datasets, _data):
        imported(datasets)
    outside = [p for p in tmp_path.rglob("*.jpg") if datasets.folder("eurosat") not in p.parents]
    assert outside == []


def test_a_network_that_goes_in_the_middle_is_told_and_the_next_try_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tl_core.fetching.downloader.RETRY_WAITS_S", (0.0,))
    faults = Faults(cuts=1)
    with publisher(tmp_path, faults=faults) as (server, datasets, data):
        half = faults.cut_after = len(data) // 2

        def report(_phase: str, done: int, _of: int) -> None:
            faults.status = 503 if done >= half else 0

        with pytest.raises(UserError, match="Something is wrong at"):
            imported(datasets, report=report)
        assert leftovers(datasets) == ["EuroSAT.zip.part", "EuroSAT.zip.part.json"]
        faults.status = 0
        imported(datasets)
        assert server.exchanges[-1].range == f"bytes={half}-"
    assert leftovers(datasets) == ["Forest_1.jpg", "River_1.jpg"]


def test_two_imports_at_once_unpack_the_archive_once(tmp_path: Path) -> None:
    with publisher(tmp_path) as (server, datasets, _data):
        with ThreadPoolExecutor(4) as pool:
            found = set(pool.map(imported, [datasets] * 4))
        assert found == {datasets.folder("eurosat")}
        assert len(server.exchanges) == 1
    assert leftovers(datasets) == ["Forest_1.jpg", "River_1.jpg"]
