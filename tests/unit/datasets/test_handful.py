import io
import random
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.hostile import photo, saved
from tests.server import Faults, FileServer
from tl_core.datasets import archive_import
from tl_core.datasets.archive_import import import_archive
from tl_core.datasets.catalogue import DATASETS, DataArchive, Handful
from tl_core.datasets.store import DatasetStore
from tl_core.engine.job import JobCancelled
from tl_core.errors import UserError
from tl_core.fetching import DownloadRequest, RemoteFile
from tl_core.settings import Settings

ROW = next(row for row in DATASETS if row.key == "cats_and_dogs_handful")
assert isinstance(ROW.source, DataArchive)
NAME = ROW.source.file_name
PER_CLASS, IN_ARCHIVE = 6, 30
Names = dict[str, list[str]]


@cache
def picture(number: int) -> bytes:
    return saved(photo(40 + number), "JPEG")


@cache
def archive(first: int = 0, damaged: frozenset[str] = frozenset(), kind: str = "") -> bytes:
    """Laid out as the publisher's; ``damaged`` members are of ``kind``."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for number in range(2 * IN_ARCHIVE):
            name = f"{('Cat', 'Dog')[number // IN_ARCHIVE]}/{number % IN_ARCHIVE}.jpg"
            bad = {"empty": b"", "no photograph": b"hello"}.get(kind, picture(first + number))
            content = bad if name in damaged else picture(first + number)
            packed.writestr(f"PetImages/{name}", content)
        packed.writestr("PetImages/other.bin", random.Random(1).randbytes(500_000))
        offsets = {info.filename: info.header_offset for info in packed.infolist()}
    data = bytearray(buffer.getvalue())
    for name in damaged if kind == "wrong bytes" else ():
        data[offsets[f"PetImages/{name}"] + 200] ^= 1
    return bytes(data)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tl_core.fetching.downloader.RETRY_WAITS_S", (0.0, 0.0, 0.0))


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer({NAME: archive()}) as running:
        yield running


def store(server: FileServer, folder: Path) -> DatasetStore:
    assert isinstance(ROW.source, DataArchive)
    source = replace(ROW.source, handful=Handful(PER_CLASS, 100_000))
    settings = Settings(
        data_dir=folder / "data", weights_dir=folder, cache_dir=folder, mirror=server.base
    )
    return DatasetStore(settings, (replace(ROW, source=source, photographs=2 * PER_CLASS),))


def taken(server: FileServer, folder: Path, report: Any = None, check: Any = None) -> Names:
    """The names of each class once the handful is there."""
    place = import_archive(
        store(server, folder),
        ROW.key,
        report=report or (lambda *_: None),
        check=check or (lambda: None),
    )
    assert leftovers(folder) == sorted(path.name for path in place.glob("*/*"))
    return {label.name: sorted(path.name for path in label.iterdir()) for label in place.iterdir()}


def contents(folder: Path) -> set[bytes]:
    return {path.read_bytes() for path in folder.glob(f"data/{ROW.key}/*/*")}


def leftovers(folder: Path) -> list[str]:
    """Every file in the data folder but locks."""
    files = (p for p in folder.glob("data/**/*") if p.is_file() and p.suffix != ".lock")
    return sorted(path.name for path in files)


def test_only_the_handful_travels_and_each_byte_is_shown(
    server: FileServer, tmp_path: Path
) -> None:
    shown: list[tuple[str, int, int]] = []
    found = taken(server, tmp_path, lambda *progress: shown.append(progress))
    assert {label: len(names) for label, names in found.items()} == dict.fromkeys(
        ("Cat", "Dog"), PER_CLASS
    )
    assert contents(tmp_path) <= {picture(number) for number in range(2 * IN_ARCHIVE)}
    assert server.sent < len(archive()) / 3
    assert len(server.exchanges) <= 6
    assert {phase for phase, _, _ in shown} == {"downloading"}
    assert shown[-1][1] == server.sent
    assert all(done <= total for _, done, total in shown)


def test_it_is_the_same_handful_every_time_and_neighbours(
    server: FileServer, tmp_path: Path
) -> None:
    first, second = (taken(server, tmp_path / name) for name in ("a", "b"))
    assert first == second
    for names in first.values():
        numbers = sorted(int(name.removesuffix(".jpg")) for name in names)
        assert numbers[-1] - numbers[0] == PER_CLASS - 1


@pytest.mark.parametrize("kind", ["empty", "no photograph", "wrong bytes"])
def test_a_damaged_photograph_is_replaced_by_the_next(
    kind: str, server: FileServer, tmp_path: Path
) -> None:
    whole = taken(server, tmp_path / "whole")
    damaged = frozenset({f"Cat/{whole['Cat'][0]}", f"Cat/{whole['Cat'][3]}"})
    server.files[NAME] = archive(damaged=damaged, kind=kind)
    found = taken(server, tmp_path)
    assert found["Dog"] == whole["Dog"]
    assert len(found["Cat"]) == PER_CLASS
    assert not {f"Cat/{name}" for name in found["Cat"]} & damaged


@pytest.mark.parametrize(
    "faults",
    [
        {"ignores_range": True},
        {"ignores_range": True, "sends_length": False},
        {"refuses_range": True},
    ],
)
def test_a_server_without_ranges_sends_all_of_it_and_the_handful_is_the_same(
    faults: dict[str, bool], server: FileServer, tmp_path: Path
) -> None:
    by_ranges = taken(server, tmp_path / "ranges")
    server.faults = Faults(**faults)  # type: ignore[arg-type]
    shown: list[tuple[str, int, int]] = []
    assert taken(server, tmp_path, lambda *progress: shown.append(progress)) == by_ranges
    assert max(done for phase, done, _ in shown if phase == "downloading") == len(archive())
    assert shown[-1] == ("unpacking", 2 * PER_CLASS, 2 * PER_CLASS)


@pytest.mark.parametrize("faults", [{}, {"ignores_if_range": True}, {"sends_version": False}])
@pytest.mark.parametrize("after", [1, 2, 3])
def test_an_archive_that_is_replaced_in_the_middle_begins_anew(
    after: int, faults: dict[str, bool], server: FileServer, tmp_path: Path
) -> None:
    other = archive(first=1000)
    server.faults = Faults(**faults, replaced_by=other, replaced_at=after)  # type: ignore[arg-type]
    taken(server, tmp_path)
    assert contents(tmp_path) <= {picture(1000 + number) for number in range(2 * IN_ARCHIVE)}
    assert all(exchange.range for exchange in server.exchanges)


def test_an_archive_that_changes_all_the_time_is_downloaded_whole(
    server: FileServer, tmp_path: Path
) -> None:
    server.faults = Faults(ignores_if_range=True, changes_version=True)
    assert sum(map(len, taken(server, tmp_path).values())) == 2 * PER_CLASS
    assert server.exchanges[-1].sent == len(archive())


def test_broken_connections_are_tried_again_for_what_is_missing(
    server: FileServer, tmp_path: Path
) -> None:
    taken(server, tmp_path / "good")
    sent = server.sent
    server.faults = Faults(cut_after=5000, cuts=3)
    taken(server, tmp_path)
    assert server.sent == 2 * sent


def test_a_connection_that_keeps_breaking_leaves_nothing(
    server: FileServer, tmp_path: Path
) -> None:
    server.faults = Faults(cut_after=50, cuts=1000)
    with pytest.raises(UserError, match="was lost or timed out"):
        taken(server, tmp_path)
    assert leftovers(tmp_path) == []


def test_a_cancel_does_not_wait_for_a_silent_server_and_leaves_nothing(
    server: FileServer, tmp_path: Path
) -> None:
    server.faults = Faults(stall_after=5000)

    def check() -> None:
        if server.stalled.is_set():
            raise JobCancelled

    with pytest.raises(JobCancelled):
        taken(server, tmp_path, check=check)
    assert leftovers(tmp_path) == []


def test_ranges_follow_a_redirect_to_another_server(server: FileServer, tmp_path: Path) -> None:
    with FileServer({}, Faults(redirect=server.url("moved"))) as first:
        assert taken(first, tmp_path)
        assert first.sent == 0
    assert 0 < server.sent < len(archive()) / 3


@pytest.mark.parametrize("damage", ["directory", "cut", "few"])
def test_a_damaged_archive_is_told_in_one_sentence_and_leaves_nothing(
    damage: str, server: FileServer, tmp_path: Path
) -> None:
    data = archive()
    place = data.rindex(b"PK\x01\x02")
    server.files[NAME] = {
        "directory": data[:place] + b"PK??" + data[place + 4 :],
        "cut": data[: len(data) // 2],
        "few": archive(damaged=frozenset(f"Dog/{n}.jpg" for n in range(IN_ARCHIVE)), kind="empty"),
    }[damage]
    with pytest.raises(UserError, match=r"Cats and dogs, a handful is damaged"):
        taken(server, tmp_path)
    assert leftovers(tmp_path) == []


def test_a_full_disk_is_told_before_anything_is_asked_for(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_import, "free_bytes", lambda _: 2**20)
    with pytest.raises(
        UserError, match=r"needs 10.. MB more on the disk that holds the folder data"
    ):
        taken(server, tmp_path)
    assert server.exchanges == []


def test_a_remote_file_reads_like_a_local_one(server: FileServer, tmp_path: Path) -> None:
    data, chance = archive(), random.Random(3)
    local = io.BytesIO(data)
    request = DownloadRequest(server.url(NAME), tmp_path / NAME)
    remote = RemoteFile(request, report=lambda _: None, check=lambda: None)
    remote.load(1000, 90_000)
    asked = len(server.exchanges)
    for _ in range(20):
        place = chance.randrange(1000, 80_000)
        assert (local.seek(place), local.read(9000)) == (remote.seek(place), remote.read(9000))
    assert len(server.exchanges) == asked
    for place, whence, count in ((-9, 2, 22), (5, 0, 40), (7, 1, 0), (len(data) + 3, 0, 5)):
        assert local.seek(place, whence) == remote.seek(place, whence)
        assert local.read(count) == remote.read(count)
    assert not list(tmp_path.iterdir())
