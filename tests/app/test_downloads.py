"""Answers on their way to a browser, and files that somebody takes home."""

import asyncio

import pytest
from streamlit.runtime import media_file_manager
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from pages.server import in_pieces
from pages.server.compat import downloads
from pages.server.compat.downloads import keep_downloads
from pages.server.in_pieces import PIECE_BYTES, InPieces
from pages.server.uncompressed import Uncompressed
from tests.app.conftest import run


def test_a_long_answer_is_handed_over_in_pieces_and_comes_whole():
    sent = []

    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"abc" * 2**16, "more_body": True})
        await send({"type": "http.response.body", "body": b"end"})

    async def send(message):
        sent.append(message)

    run(InPieces(app)({"type": "http", "headers": []}, None, send))
    assert b"".join(one.get("body", b"") for one in sent) == b"abc" * 2**16 + b"end"
    assert max(len(one.get("body", b"")) for one in sent) == PIECE_BYTES
    assert [one.get("more_body", False) for one in sent] == [False, True, True, True, False]


@pytest.mark.parametrize("size", [2**26, PIECE_BYTES])
def test_a_file_that_is_fetched_drop_by_drop_is_broken_off(monkeypatch, size):
    monkeypatch.setattr(in_pieces, "PATIENCE_S", 0.1)
    monkeypatch.setattr(in_pieces, "LEAST_BYTES_A_S", 2**30)
    sent = []

    async def app(_scope, _receive, send):
        await send({"type": "http.response.body", "body": bytes(size), "more_body": True})
        await send({"type": "http.response.body", "body": b"end"})

    async def send(message):
        sent.append(message["body"])
        await asyncio.sleep(0.01 if size > PIECE_BYTES else 10)

    run(InPieces(app)({"type": "http", "headers": []}, None, send))
    assert 0 < len(sent) <= size / PIECE_BYTES
    assert b"end" not in sent


def test_a_part_of_a_file_is_not_copied_for_whoever_asks_for_it():
    seen, headers = [], [(b"accept", b"*/*"), (b"range", b"bytes=1-")]

    async def app(scope, receive, send):
        seen.append(scope["headers"])

    run(InPieces(app)({"type": "http", "headers": headers}, None, None))
    assert seen == [headers[:1]]


@pytest.mark.parametrize(
    ("path", "accepted"), [("/media/a.bin", None), ("/media/a.json", b"gzip"), ("/teach", b"gzip")]
)
def test_only_the_file_of_a_model_is_sent_as_it_is(path, accepted):
    seen, headers = [], [(b"accept-encoding", b"gzip"), (b"range", b"bytes=0-")]

    async def app(scope, receive, send):
        seen.append(dict(scope["headers"]))

    scope = {"type": "http", "path": path, "headers": headers}
    run(Uncompressed(app)(scope, None, None))
    assert seen[0].get(b"accept-encoding") == accepted
    assert seen[0][b"range"] == b"bytes=0-"
    assert len(headers) == 2


def test_a_file_that_was_asked_for_outlasts_the_runs_of_others_for_a_minute(monkeypatch):
    now, storage, files, asked = a_download_that_is_kept(monkeypatch)
    name = files.execute_deferred(asked).rpartition("/")[2]
    for _ in range(30):
        files.clear_session_refs("another")
        files.remove_orphaned_files()
    assert storage.get_file(name).content == b"a film"
    now[0] += downloads.KEPT_S
    files.remove_orphaned_files()
    with pytest.raises(MediaFileStorageError):
        storage.get_file(name)


def a_download_that_is_kept(monkeypatch):
    """The time, and a file on a button, with the change of Streamlit, which the test takes back."""
    now = [0.0]
    monkeypatch.setattr(downloads.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(media_file_manager, "MediaFileMetadata", None)
    manager = media_file_manager.MediaFileManager
    for name in ("_remove_orphaned_deferred_callables", "execute_deferred"):
        monkeypatch.setattr(manager, name, getattr(manager, name))
    keep_downloads()
    storage = MemoryMediaFileStorage("/media")
    files = media_file_manager.MediaFileManager(storage)
    asked = files.add_deferred(lambda: b"a film", "image/webp", "0.1", file_name="film.webp")
    return now, storage, files, asked


def test_a_press_on_a_download_counts_while_its_page_is_drawn_anew(monkeypatch):
    now, storage, files, asked = a_download_that_is_kept(monkeypatch)
    files.clear_session_refs()
    files.remove_orphaned_files()
    name = files.execute_deferred(asked).rpartition("/")[2]
    assert storage.get_file(name).content == b"a film"
    now[0] += downloads.KEPT_S
    files.remove_orphaned_files()
    with pytest.raises(MediaFileStorageError):
        files.execute_deferred(asked)


def test_presses_on_a_download_are_counted_and_only_the_newest_files_stay(monkeypatch):
    now, storage, files, _asked = a_download_that_is_kept(monkeypatch)
    made = iter(range(1_000))
    asked = files.add_deferred(lambda: f"model {next(made)}".encode(), "text/plain", "0.2")
    names = [files.execute_deferred(asked).rpartition("/")[2] for _ in range(100)]
    assert len(set(names)) == downloads.PRESSES
    assert len(files._file_metadata) == downloads.MOST_FILES
    assert storage.get_file(names[-1]).content == f"model {downloads.PRESSES - 1}".encode()
    with pytest.raises(MediaFileStorageError):
        files.execute_deferred(files.add_deferred(lambda: b"", "text/plain", "0.3"))
    now[0] += 1 / downloads.PRESSES_A_S
    assert files.execute_deferred(asked).rpartition("/")[2] not in names


def test_of_all_files_that_no_page_shows_the_newest_stay_within_their_room(monkeypatch):
    now, _storage, files, asked = a_download_that_is_kept(monkeypatch)
    monkeypatch.setattr(downloads, "MOST_BYTES", 2 * len(b"a film"))
    names = []
    for number in range(3):
        files._deferred_callables[asked]["filename"] = f"{number}.webp"  # another file
        names.append(files.execute_deferred(asked).rpartition("/")[2].partition(".")[0])
        now[0] += 1
        files.remove_orphaned_files()
    assert sorted(files._file_metadata) == sorted(names[1:])


def test_buttons_that_are_drawn_anew_and_anew_leave_a_bounded_number_behind(monkeypatch):
    _now, _storage, files, _asked = a_download_that_is_kept(monkeypatch)
    for number in range(200):
        files.add_deferred(lambda: b"", "text/plain", f"1.{number}")
    files.clear_session_refs()
    files.remove_orphaned_files()
    assert len(files._deferred_callables) == downloads.MOST_MAKERS
