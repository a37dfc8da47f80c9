import dataclasses
import errno
import hashlib
import io
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.hostile import photo, saved
from tests.server import Faults, FileServer
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


def zipped(files: Files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return buffer.getvalue()


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
        zipped,
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
        zipped,
        {"2750/Forest/Forest_1.jpg": jpeg(0), "2750/River/River_1.jpg": jpeg(1)},
        ("Forest/Forest_1.jpg", "River/River_1.jpg"),
    ),
}


def store_for(
    key: str, data: bytes, server: FileServer, folder: Path, photographs: int
) -> DatasetStore:
    source = ROWS[key].source
    assert isinstance(source, DataArchive)
    md5 = hashlib.md5(data).hexdigest() if source.md5 else ""
    stand_in = dataclasses.replace(
        source, url=server.url(source.file_name), size_bytes=len(data), md5=md5
    )
    row = dataclasses.replace(ROWS[key], source=stand_in, photographs=photographs)
    settings = Settings(data_dir=folder / "data", weights_dir=folder, cache_dir=folder / "cache")
    return DatasetStore(settings, (row,))


def leftovers(datasets: DatasetStore) -> list[str]:
    """The files in the data folder, and its folders without any."""
    found = datasets.settings.data_dir.rglob("*")
    return [p.name for p in found if p.is_file() or not any(p.iterdir())]


@pytest.mark.parametrize("key", STAND_INS)
def test_an_archive_becomes_a_folder_per_class(key: str, tmp_path: Path) -> None:
    pack, files, expected = STAND_INS[key]
    data = pack(files)
    phases: set[str] = set()
    with FileServer({ROWS[key].source.file_name: data}) as server:  # type: ignore[union-attr]
        datasets = store_for(key, data, server, tmp_path, len(expected))
        folder = import_archive(
            datasets, key, report=lambda phase, *_: phases.add(phase), check=lambda: None
        )
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
    key = "microsoft_cats_and_dogs"
    data = zipped(STAND_INS[key][1])
    with FileServer({ROWS[key].source.file_name: data}) as server:  # type: ignore[union-attr]
        datasets = store_for(key, data, server, tmp_path, 100)
        kept = datasets.settings.keep_free_disk_mb * 2**20
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=kept + len(data)))
        with pytest.raises(UserError, match="needs 1024 MB more on the disk"):
            import_archive(datasets, key, report=lambda *_: None, check=lambda: None)
    assert leftovers(datasets) == [ROWS[key].source.file_name]  # type: ignore[union-attr]


@pytest.mark.parametrize("damage", ["cut", "few"])
def test_a_damaged_archive_leaves_nothing(damage: str, tmp_path: Path) -> None:
    key = "microsoft_cats_and_dogs"
    data = zipped(STAND_INS[key][1])
    served = data[: len(data) // 2] if damage == "cut" else data
    with FileServer({ROWS[key].source.file_name: served}) as server:  # type: ignore[union-attr]
        datasets = store_for(key, data, server, tmp_path, 100)
        with pytest.raises(UserError, match="damaged"):
            import_archive(datasets, key, report=lambda *_: None, check=lambda: None)
    assert leftovers(datasets) == []


def fill_up(after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the disk refuse every photograph after so many."""
    write, count = Path.write_bytes, 0

    def guarded(place: Path, data: bytes) -> int:
        nonlocal count
        count += 1
        if count > after:
            raise OSError(errno.ENOSPC, "No space left on device", str(place))
        return write(place, data)

    monkeypatch.setattr(Path, "write_bytes", guarded)


def test_a_disk_that_fills_up_leaves_only_the_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "eurosat"
    data = zipped(STAND_INS[key][1])
    with FileServer({ROWS[key].source.file_name: data}) as server:  # type: ignore[union-attr]
        datasets = store_for(key, data, server, tmp_path, 2)
        fill_up(1, monkeypatch)
        with pytest.raises(UserError, match="cannot be written to: No space left"):
            import_archive(datasets, key, report=lambda *_: None, check=lambda: None)
    assert leftovers(datasets) == ["EuroSAT.zip"]
    assert not datasets.folder(key).exists()


@pytest.mark.parametrize("name", ["eurosat/notes.txt", "eurosat"])
def test_what_is_in_the_way_is_told_before_the_download(name: str, tmp_path: Path) -> None:
    key = "eurosat"
    data = zipped(STAND_INS[key][1])
    with FileServer({ROWS[key].source.file_name: data}) as server:  # type: ignore[union-attr]
        datasets = store_for(key, data, server, tmp_path, 2)
        place = datasets.settings.data_dir / name
        place.parent.mkdir(parents=True)
        place.write_text("mine")
        with pytest.raises(UserError, match="Move it away"):
            import_archive(datasets, key, report=lambda *_: None, check=lambda: None)
        assert server.exchanges == []
    assert place.read_text() == "mine"


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    key = "eurosat"
    (tmp_path / "data").write_text("a file, not a folder")
    with FileServer({}) as server:
        datasets = store_for(key, b"", server, tmp_path, 2)
        with pytest.raises(UserError, match="set TL_DATA_DIR to another folder"):
            import_archive(datasets, key, report=lambda *_: None, check=lambda: None)


def test_a_cancel_while_unpacking_leaves_only_the_download(tmp_path: Path) -> None:
    key = "eurosat"
    data = zipped(STAND_INS[key][1])
    unpacking = False

    def report(phase: str, *_: int) -> None:
        nonlocal unpacking
        unpacking = phase == "unpacking"

    def check() -> None:
        if unpacking:
            raise JobCancelled

    with FileServer({ROWS[key].source.file_name: data}) as server:  # type: ignore[union-attr]
        datasets = store_for(key, data, server, tmp_path, 2)
        with pytest.raises(JobCancelled):
            import_archive(datasets, key, report=report, check=check)
        assert leftovers(datasets) == ["EuroSAT.zip"]
        unpacking = False
        import_archive(datasets, key, report=lambda *_: None, check=lambda: None)
    assert sorted(leftovers(datasets)) == ["Forest_1.jpg", "River_1.jpg"]


def test_members_cannot_leave_their_folder(tmp_path: Path) -> None:
    key = "eurosat"
    data = zipped({"2750/../x.jpg": jpeg(0), "../../2750/Forest/..jpg": jpeg(1)})
    with FileServer({ROWS[key].source.file_name: data}) as server:  # type: ignore[union-attr]
        datasets = store_for(key, data, server, tmp_path, 1)
        import_archive(datasets, key, report=lambda *_: None, check=lambda: None)
    outside = [p for p in tmp_path.rglob("*.jpg") if datasets.folder(key) not in p.parents]
    assert outside == []


def test_a_network_that_goes_in_the_middle_is_told_and_the_next_try_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tl_core.fetching.downloader.RETRY_WAITS_S", (0.0,))
    key = "eurosat"
    data = zipped(STAND_INS[key][1])
    half = len(data) // 2
    faults = Faults(cut_after=half, cuts=1)
    with FileServer({ROWS[key].source.file_name: data}, faults) as server:  # type: ignore[union-attr]
        datasets = store_for(key, data, server, tmp_path, 2)

        def report(_phase: str, done: int, _of: int) -> None:
            faults.status = 503 if done >= half else 0

        with pytest.raises(UserError, match="has a problem of its own"):
            import_archive(datasets, key, report=report, check=lambda: None)
        assert sorted(leftovers(datasets)) == ["EuroSAT.zip.part", "EuroSAT.zip.part.json"]
        faults.status = 0
        import_archive(datasets, key, report=lambda *_: None, check=lambda: None)
        assert server.exchanges[-1].range == f"bytes={half}-"
    assert sorted(leftovers(datasets)) == ["Forest_1.jpg", "River_1.jpg"]


def test_two_imports_at_once_unpack_the_archive_once(tmp_path: Path) -> None:
    key = "eurosat"
    data = zipped(STAND_INS[key][1])
    with FileServer({ROWS[key].source.file_name: data}) as server:  # type: ignore[union-attr]
        datasets = store_for(key, data, server, tmp_path, 2)

        def work(_number: int) -> Path:
            return import_archive(datasets, key, report=lambda *_: None, check=lambda: None)

        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(work, range(4))) == {datasets.folder(key)}
        assert len(server.exchanges) == 1
    assert sorted(leftovers(datasets)) == ["Forest_1.jpg", "River_1.jpg"]
