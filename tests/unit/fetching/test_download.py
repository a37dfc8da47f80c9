import errno
import hashlib
import multiprocessing
import random
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.server import Faults, FileServer
from tl_core.errors import UserError
from tl_core.fetching import DownloadRequest, fetch, free_bytes, mirrored
from tl_core.fetching.response import CHUNK_BYTES

DATA = random.Random(7).randbytes(1_500_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
Serve = Callable[..., FileServer]


class Cancelled(Exception):
    pass


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tl_core.fetching.downloader.RETRY_WAITS_S", (0.0, 0.0, 0.0))


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[FileServer] = []

    def start(data: bytes = DATA, **faults: Any) -> FileServer:
        servers.append(FileServer({"weights.pth": data}, Faults(**faults)))
        return servers[-1].__enter__()

    yield start
    for server in servers:
        server.__exit__(None, None, None)


def wanted(server: FileServer, folder: Path, **fields: Any) -> DownloadRequest:
    return DownloadRequest(server.url("weights.pth"), folder / "weights.pth", **fields)


def get(request: DownloadRequest, report: Any = None, check: Any = None) -> Path:
    return fetch(request, report=report or (lambda *_: None), check=check or (lambda: None))


def cut(request: DownloadRequest) -> None:
    """Leave a part behind, as a run that a person stopped half-way would."""

    def report(received: int, total: int | None) -> None:
        if received > 400_000:
            raise Cancelled

    with pytest.raises(Cancelled):
        get(request, report=report)


def only_the_file(folder: Path) -> bool:
    return {path.name for path in folder.iterdir()} == {"weights.pth"}


@pytest.mark.parametrize(
    "checksum",
    [
        {},
        {"sha256": SHA256},
        {"sha256": SHA256[:8].upper()},
        {"md5": hashlib.md5(DATA).hexdigest()},
    ],
    ids=["none", "sha256", "start of sha256", "md5"],
)
def test_a_file_arrives_whole_and_alone(
    serve: Serve, tmp_path: Path, checksum: dict[str, str]
) -> None:
    request = wanted(serve(), tmp_path / "new" / "folder", **checksum)

    assert get(request).read_bytes() == DATA
    assert only_the_file(request.target.parent)


def test_a_file_that_is_there_is_not_asked_for(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    request = wanted(server, tmp_path)
    request.target.write_bytes(b"mine")

    assert get(request).read_bytes() == b"mine"
    assert not server.exchanges


def test_progress_rises_to_the_total(serve: Serve, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    get(wanted(serve(), tmp_path), report=lambda *progress: seen.append(progress))

    received = [count for count, _ in seen]
    assert received == sorted(received)
    assert received[0] == 0
    assert {total for _, total in seen} == {len(DATA)}
    assert received[-1] == len(DATA)


def test_the_target_never_exists_half(serve: Serve, tmp_path: Path) -> None:
    request = wanted(serve(cut_after=300_000, cuts=2), tmp_path)

    def look(*_: object) -> None:
        assert not request.target.exists()

    assert get(request, report=look, check=look).read_bytes() == DATA


def test_a_file_without_a_length_arrives(serve: Serve, tmp_path: Path) -> None:
    assert get(wanted(serve(sends_length=False), tmp_path)).read_bytes() == DATA


def test_an_empty_file_arrives(serve: Serve, tmp_path: Path) -> None:
    assert get(wanted(serve(b""), tmp_path)).read_bytes() == b""


def test_a_redirect_is_followed(serve: Serve, tmp_path: Path) -> None:
    server = serve(redirect="/moved")
    assert get(wanted(server, tmp_path)).read_bytes() == DATA
    assert [exchange.path for exchange in server.exchanges] == [
        "/weights.pth",
        "/moved/weights.pth",
    ]


# -- cut connections -----------------------------------------------------------------------


def test_after_a_cut_only_the_rest_is_transferred(serve: Serve, tmp_path: Path) -> None:
    server = serve(cut_after=500_000)

    assert get(wanted(server, tmp_path, sha256=SHA256)).read_bytes() == DATA
    assert [exchange.sent for exchange in server.exchanges] == [500_000, 1_000_000]
    assert server.exchanges[1].range == "bytes=500000-"


def test_a_connection_that_always_breaks_is_given_up_and_resumed_later(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve(cut_after=100_000, cuts=4)
    request = wanted(server, tmp_path)

    with pytest.raises(UserError, match="was lost or timed out"):
        get(request)
    assert not request.target.exists()
    assert get(request).read_bytes() == DATA
    assert server.sent == len(DATA)


def test_many_cuts_are_borne_while_the_file_grows(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tl_core.fetching.downloader.FRESH_TRIES_BYTES", 100_000)
    server = serve(cut_after=100_000, cuts=14)

    assert get(wanted(server, tmp_path)).read_bytes() == DATA
    assert server.sent == len(DATA)


def test_a_server_that_cannot_resume_and_always_cuts_is_given_up(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve(cut_after=1_400_000, cuts=99, ignores_range=True)

    with pytest.raises(UserError, match="was lost or timed out"):
        get(wanted(server, tmp_path))
    assert len(server.exchanges) == 4


def test_a_later_call_resumes_what_was_cancelled(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    request = wanted(server, tmp_path, sha256=SHA256)
    cut(request)
    kept = (tmp_path / "weights.pth.part").stat().st_size

    assert get(request).read_bytes() == DATA
    assert server.exchanges[-1].range == f"bytes={kept}-"
    assert server.exchanges[-1].sent == len(DATA) - kept
    assert only_the_file(tmp_path)


@pytest.mark.parametrize(
    "faults",
    [{"ignores_range": True}, {"refuses_range": True}, {"sends_version": False}],
    ids=["ignores Range", "answers 416", "no ETag"],
)
def test_what_cannot_be_resumed_starts_over(
    serve: Serve, tmp_path: Path, faults: dict[str, Any]
) -> None:
    server = serve(**faults)
    request = wanted(server, tmp_path)
    cut(request)

    assert get(request).read_bytes() == DATA
    assert server.exchanges[-1].sent == len(DATA)


@pytest.mark.parametrize("ignores_if_range", [False, True])
def test_a_file_that_changed_on_the_server_starts_over(
    serve: Serve, tmp_path: Path, ignores_if_range: bool
) -> None:
    server = serve(ignores_if_range=ignores_if_range)
    request = wanted(server, tmp_path)
    cut(request)
    server.files["weights.pth"] = changed = DATA[::-1]

    assert get(request).read_bytes() == changed


def test_a_part_from_another_address_starts_over(serve: Serve, tmp_path: Path) -> None:
    cut(wanted(serve(), tmp_path))
    mirror = serve(DATA[::-1])

    assert get(wanted(mirror, tmp_path)).read_bytes() == DATA[::-1]


@pytest.mark.parametrize("notes", ["", "{", "[]", "{}"])
def test_a_part_with_spoilt_notes_starts_over(serve: Serve, tmp_path: Path, notes: str) -> None:
    request = wanted(serve(), tmp_path)
    cut(request)
    (tmp_path / "weights.pth.part.json").write_text(notes)

    assert get(request).read_bytes() == DATA


def test_a_part_that_is_whole_is_only_verified(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    request = wanted(server, tmp_path, sha256=SHA256)

    def stop_at_the_end(received: int, total: int | None) -> None:
        if received == total:
            raise Cancelled

    with pytest.raises(Cancelled):
        get(request, report=stop_at_the_end)
    assert get(request).read_bytes() == DATA
    assert len(server.exchanges) == 1


def test_a_server_that_fails_half_way_keeps_the_part(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    request = wanted(server, tmp_path)
    cut(request)
    server.faults.status = 503

    with pytest.raises(UserError, match=r"Something is wrong at .* \(503\)"):
        get(request)
    assert (tmp_path / "weights.pth.part").stat().st_size > 400_000


# -- cancelling ----------------------------------------------------------------------------


def test_a_cancel_at_any_moment_leaves_nothing_half(serve: Serve, tmp_path: Path) -> None:
    request = wanted(serve(), tmp_path, sha256=SHA256)
    for moment in range(1, 200):
        calls = iter(range(1, moment + 1))

        def check(calls: Iterator[int] = calls, moment: int = moment) -> None:
            if next(calls, moment) == moment:
                raise Cancelled

        try:
            get(request, check=check)
        except Cancelled:
            assert not request.target.exists()
        else:
            break
    assert request.target.read_bytes() == DATA
    assert only_the_file(tmp_path)


@pytest.mark.parametrize("faults", [{"stall_after": 300_000}, {"is_silent": True}])
def test_a_cancel_acts_while_the_server_is_silent(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faults: dict[str, Any]
) -> None:
    monkeypatch.setattr("tl_core.fetching.response.READ_TIMEOUT_S", 10_000.0)
    server = serve(**faults)

    def check() -> None:
        if server.stalled.is_set():
            raise Cancelled

    with pytest.raises(Cancelled):
        get(wanted(server, tmp_path), check=check)


def test_a_server_that_falls_silent_is_given_up(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tl_core.fetching.response.READ_TIMEOUT_S", 0.05)

    with pytest.raises(UserError, match="was lost or timed out"):
        get(wanted(serve(stall_after=0), tmp_path))


def test_a_cancel_acts_while_another_downloads(serve: Serve, tmp_path: Path) -> None:
    request = wanted(serve(), tmp_path)

    def meanwhile(received: int, total: int | None) -> None:
        calls = iter(range(3))

        def check() -> None:
            if next(calls, None) is None:
                raise Cancelled

        with ThreadPoolExecutor(1) as pool, pytest.raises(Cancelled):
            pool.submit(get, request, check=check).result()

    assert get(request, report=meanwhile).read_bytes() == DATA


# -- refusals ------------------------------------------------------------------------------


def test_a_wrong_file_is_deleted(serve: Serve, tmp_path: Path) -> None:
    request = wanted(serve(DATA[:-1] + b"x"), tmp_path, sha256=SHA256)

    with pytest.raises(UserError, match=r"not the published file .* deleted"):
        get(request)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "won't send"),
        (403, "won't send"),
        (404, "has no file weights.pth"),
        (410, "has no file"),
        (429, "didn't send"),
        (206, "didn't send"),
        (500, "Something is wrong at"),
        (503, "Something is wrong at"),
    ],
)
def test_a_refusal_is_one_sentence_at_once(
    serve: Serve, tmp_path: Path, status: int, words: str
) -> None:
    server = serve(status=status)

    with pytest.raises(UserError, match=words):
        get(wanted(server, tmp_path))
    assert len(server.exchanges) == 1


def test_no_server_is_said_at_once(serve: Serve, tmp_path: Path) -> None:
    with FileServer({}) as server:
        request = wanted(server, tmp_path)

    with pytest.raises(UserError, match=r"127\.0\.0\.1:\d+ cannot be reached"):
        get(request)


def test_a_name_that_nobody_knows_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    request = DownloadRequest("http://nowhere.invalid/a.pth", tmp_path / "a.pth")

    with pytest.raises(UserError, match=r"nowhere\.invalid cannot be reached"):
        get(request)


@pytest.mark.parametrize(
    "url", ["ftp://a/b", "file:///etc/passwd", "a/b", "", "http:///b", "http://["]
)
def test_only_web_addresses_are_taken(url: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must start with http"):
        DownloadRequest(url, tmp_path / "b")


# -- the disk ------------------------------------------------------------------------------


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.mark.parametrize("size_bytes", [None, 10**6])
def test_a_disk_without_room_is_refused_before_anything_is_written(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size_bytes: int | None
) -> None:
    server = serve()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(2**30, 2**30 - 2**20, 2**20))

    with pytest.raises(UserError, match=r"[12] MB more .* has 1 MB free, and 64 MB .* stay free"):
        get(wanted(server, tmp_path, size_bytes=size_bytes))
    assert len(server.exchanges) == (1 if size_bytes is None else 0)
    assert not any(tmp_path.iterdir())


def test_a_download_ends_where_the_disk_has_only_left_what_is_to_stay_free(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = wanted(serve(), tmp_path, keep_free_bytes=2**30, sha256=SHA256)
    part = tmp_path / "weights.pth.part"
    free = [2**31]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(2**40, 0, free[0]))

    def others_write(received: int, total: int | None) -> None:
        if received >= CHUNK_BYTES:
            free[0] = 2**30 + 1

    with pytest.raises(UserError, match="1024 MB free, and 1024 MB of the disk must stay free"):
        get(request, report=others_write)
    assert CHUNK_BYTES <= part.stat().st_size < len(DATA)

    free[0] = 2**31
    assert get(request).read_bytes() == DATA


def test_a_disk_that_fills_up_keeps_the_part(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    request = wanted(server, tmp_path, sha256=SHA256)
    with monkeypatch.context() as patch:
        fill_up(patch, room_bytes=700_000)
        with pytest.raises(UserError, match=r"disk that holds .* is full.*weights\.pth\.part"):
            get(request)
    assert not request.target.exists()
    assert (tmp_path / "weights.pth.part").read_bytes() == DATA[:700_000]

    assert get(request).read_bytes() == DATA
    assert server.exchanges[-1].range == "bytes=700000-"


def fill_up(patch: pytest.MonkeyPatch, room_bytes: int) -> None:
    """Let files opened for appending take ``room_bytes`` and then complain as a disk does."""
    really_open = Path.open

    class Full:
        def __init__(self, file: Any) -> None:
            self.file = file
            self.fileno, self.close = file.fileno, file.close

        def write(self, data: memoryview) -> int:
            room = room_bytes - self.file.tell()
            if not room:
                raise OSError(errno.ENOSPC, "No space left on device")
            return int(self.file.write(data[:room]))

    def opened(path: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        file = really_open(path, mode, *arguments, **options)
        return Full(file) if mode == "ab" else file

    patch.setattr(Path, "open", opened)


def test_a_folder_that_cannot_be_made_is_said(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(UserError, match="can't write to the folder file") as refused:
        get(wanted(serve(), tmp_path / "file"))
    assert str(tmp_path) not in str(refused.value)


def test_free_space_is_known_for_a_folder_still_to_be_made(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "a" / "b") > 0


# -- together ------------------------------------------------------------------------------


def test_two_threads_download_a_file_once(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    request = wanted(server, tmp_path)
    at_work, other_waits = threading.Event(), threading.Event()
    calls = iter(range(3))

    def first_report(*_: object) -> None:
        at_work.set()
        other_waits.wait()

    def second_check() -> None:
        if next(calls, None) is None:  # it has found the lock taken
            other_waits.set()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(get, request, report=first_report)
        at_work.wait()
        second = pool.submit(get, request, check=second_check)
        assert first.result() == second.result() == request.target
    assert len(server.exchanges) == 1


def _fetch_elsewhere(request: DownloadRequest, start: Any) -> None:
    start.wait()
    get(request)


@pytest.mark.slow
def test_two_processes_download_a_file_once(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(2)
    arguments = (wanted(server, tmp_path, sha256=SHA256), start)
    processes = [spawn.Process(target=_fetch_elsewhere, args=arguments) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0, 0]
    assert len(server.exchanges) == 1
    assert (tmp_path / "weights.pth").read_bytes() == DATA


# -- mirrors -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mirror", "expected"),
    [
        ("", "https://download.example/models/a-12.pth?x=1"),
        ("http://teacher:8000", "http://teacher:8000/a-12.pth"),
        ("http://teacher/files/", "http://teacher/files/a-12.pth"),
    ],
)
def test_a_mirror_keeps_the_files_name(mirror: str, expected: str) -> None:
    assert mirrored("https://download.example/models/a-12.pth?x=1", mirror) == expected
