"""The parts of the web server, without one."""

import asyncio
import logging
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from starlette.requests import ClientDisconnect
from streamlit import config
from streamlit.runtime import media_file_manager
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from pages.server import addresses, open_files, process_state, upload_limits
from pages.server.app import _start, for_good, ready
from pages.server.compat import downloads, sessions
from pages.server.compat.downloads import keep_downloads
from pages.server.compat.options import set_options
from pages.server.in_pieces import PIECE_BYTES, InPieces
from pages.server.logs import configure_logs
from pages.server.uncompressed import Uncompressed
from tl_core.errors import UserError
from tl_core.machine.addresses import own_addresses
from tl_core.settings import COMMUNITY_CLOUD

MB = 2**20


@pytest.fixture
def limits(monkeypatch):
    """6 MB for a tab, 10 MB for all."""
    settings = SimpleNamespace(upload_visit_mb=6, upload_memory_mb=10)
    lab = SimpleNamespace(settings=settings, readiness=lambda: "")
    monkeypatch.setattr(process_state, "lab", lab)
    monkeypatch.setattr(upload_limits, "_LOOK_EVERY_S", 0)
    monkeypatch.setattr(upload_limits, "PATIENCE_S", 0.05)
    return lab


@pytest.fixture
def manager(monkeypatch):
    """Streamlit's own store of what was sent; all tabs are open but ``gone``."""
    store = MemoryUploadedFileManager("")
    store.gone = set()
    here = SimpleNamespace(
        uploaded_file_mgr=store, is_active_session=lambda session: session not in store.gone
    )
    monkeypatch.setattr(upload_limits.runtime, "get_instance", lambda: here)
    monkeypatch.setattr(process_state, "refused", set())
    return store


def run(coroutine):
    """Run it on a loop of its own, also where a browser test has left one in this thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


class Browser:
    """Sends files through the limit to an app that keeps them as Streamlit does."""

    def __init__(self, manager):
        self.manager = manager
        self.limit = upload_limits.UploadLimit(self.keep)
        self.closes = []  # what answers say of their connection
        self.may_finish = asyncio.Event()
        self.may_finish.set()

    async def keep(self, scope, receive, send):
        body, is_whole = b"", False
        while not is_whole:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message["body"]
            is_whole = not message["more_body"]
        await self.may_finish.wait()
        session, file = scope["path"].split("/")[-2:]
        self.manager.add_file(session, UploadedFileRec(file, file, "", body))
        await send({"type": "http.response.start", "status": 204})

    async def put(self, session, file, size_mb, *, has_length=True, is_whole=True):
        chunks = [bytes(MB)] * size_mb

        async def receive():
            body = chunks.pop() if chunks else b""
            return {"type": "http.request", "body": body, "more_body": bool(chunks)}

        length = str(size_mb * MB).encode() if has_length else None
        status = await self._send(session, file, length, receive)
        assert not chunks or not is_whole
        return status

    async def announce(self, session, size_mb, *, sent_mb=0, then=None):
        """Send a part of a file, then this message or nothing."""
        chunks = [bytes(MB)] * sent_mb

        async def receive():
            if chunks:
                return {"type": "http.request", "body": chunks.pop(), "more_body": True}
            if then is None:
                await asyncio.Event().wait()
            return then

        return await self._send(session, "announced", str(size_mb * MB).encode(), receive)

    async def _send(self, session, file, length, receive):
        scope = {
            "type": "http",
            "method": "PUT",
            "path": f"/base/_stcore/upload_file/{session}/{file}",
            "headers": [(b"content-length", length)] if length else [],
        }
        statuses = []

        async def send(message):
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
                headers = dict(message.get("headers", []))
                self.closes += [headers[b"connection"]] if b"connection" in headers else []

        await self.limit(scope, receive, send)
        return statuses[0] if statuses else None


@pytest.fixture
def browser(limits, manager):
    return Browser(manager)


def test_a_tab_is_refused_above_its_own_limit_until_its_files_are_taken(browser, manager):
    async def visit():
        first = [await browser.put("a", name, 3) for name in "xyz"]
        manager.remove_file("a", "x")
        return [*first, await browser.put("a", "z", 3)]

    assert run(visit()) == [204, 204, 413, 204]


def test_uploads_under_way_count_as_well(browser):
    async def visit():
        browser.may_finish.clear()
        under_way = [asyncio.create_task(browser.put("a", name, 3)) for name in "xy"]
        await asyncio.sleep(0)
        third = await browser.put("a", "z", 3)
        browser.may_finish.set()
        return [third, *[await task for task in under_way]]

    assert run(visit()) == [413, 204, 204]


def test_all_tabs_together_wait_for_room_and_get_it(browser, manager, monkeypatch):
    monkeypatch.setattr(upload_limits, "PATIENCE_S", 60)

    async def visit():
        assert [await browser.put(tab, "x", 4) for tab in "ab"] == [204, 204]
        waiting = asyncio.create_task(browser.put("c", "x", 4))
        for _turn in range(20):
            await asyncio.sleep(0)
        assert not waiting.done()
        manager.remove_file("b", "x")
        return await waiting

    assert run(visit()) == 204


def test_all_tabs_together_are_refused_where_no_room_comes(browser):
    async def visit():
        return [await browser.put(tab, "x", 4) for tab in "abc"]

    assert run(visit()) == [204, 204, 413]


def test_drops_of_several_tabs_at_once_do_not_wait_for_each_other_in_a_circle(
    browser, manager, monkeypatch
):
    monkeypatch.setattr(upload_limits, "PATIENCE_S", 60)

    async def drop(tab):
        statuses = []
        for file in "uvwxyz":
            await asyncio.sleep(0)  # everybody else sends one
            statuses.append(await browser.put(tab, file, 1))
        manager.remove_session_files(tab)  # the page takes a drop when it is whole
        return statuses

    async def visit():
        return await asyncio.gather(*[drop(tab) for tab in "abcdef"])

    assert run(visit()) == [[204] * 6] * 6


def test_an_upload_that_only_announces_itself_keeps_nobody_waiting(browser):
    async def visit():
        silent = [asyncio.create_task(browser.announce(tab, 6)) for tab in "ab"]
        await asyncio.sleep(0)
        statuses = [await browser.put("c", name, 3) for name in "xy"]
        for task in silent:
            task.cancel()
        return statuses

    assert run(asyncio.wait_for(visit(), 10)) == [204, 204]


def test_an_upload_that_stalls_is_ended_and_gives_its_room_back(browser, monkeypatch):
    monkeypatch.setattr(upload_limits, "STALLED_S", 0.01)

    async def visit():
        stalled = await browser.announce("a", 6, sent_mb=5)
        return [stalled, *[await browser.put("a", name, 3) for name in "xy"]]

    assert run(visit()) == [408, 204, 204]
    assert browser.closes == [b"close"]  # or the connection would wait for the rest


def test_an_upload_whose_tab_is_gone_is_ended(browser, manager, monkeypatch):
    monkeypatch.setattr(upload_limits, "GONE_S", -1)

    async def visit():
        upload = asyncio.create_task(browser.put("a", "x", 3, is_whole=False))
        await asyncio.sleep(0)
        manager.gone.add("a")
        return await upload

    assert run(visit()) == 408


def test_uploads_for_tabs_that_there_are_not_leave_nothing_behind(browser, manager):
    manager.gone |= {f"tab {number}" for number in range(200)}

    async def visit():
        timers = []
        asyncio.get_running_loop().call_later = lambda *call: timers.append(call)
        statuses = {await browser.put(tab, "x", 0) for tab in manager.gone}
        return statuses, timers

    assert run(visit()) == ({400}, [])
    assert not browser.limit._latest
    assert not manager.file_storage


def test_one_look_is_to_come_however_many_files_came(browser):
    async def visit():
        timers = []
        asyncio.get_running_loop().call_later = lambda *call: timers.append(call)
        for number in range(20):
            await browser.put("a", str(number), 0)
        return timers

    assert len(run(visit())) == 1


def test_empty_files_count_too(browser, monkeypatch):
    monkeypatch.setattr(upload_limits, "_LEAST_BYTES", MB)

    async def visit():
        return [await browser.put("a", str(number), 0) for number in range(8)]

    assert run(visit()) == [204] * 6 + [413] * 2


def test_a_browser_that_goes_in_mid_upload_gets_no_answer_and_leaves_no_traceback(browser, caplog):
    assert run(browser.announce("a", 6, sent_mb=1, then={"type": "http.disconnect"})) is None
    assert not caplog.records


def test_where_no_room_comes_in_mid_upload_it_is_refused(browser, manager):
    async def visit():
        return [await browser.put(tab, "x", size) for tab, size in (("a", 4), ("b", 6))]

    assert run(visit()) == [204, 413]
    assert list(manager.file_storage) == ["a"]


def test_files_that_no_page_took_are_dropped_after_a_while(browser, manager, monkeypatch):
    monkeypatch.setattr(upload_limits, "FORGOTTEN_S", 0.05)

    async def visit():
        await browser.put("a", "x", 1)
        assert manager.file_storage
        while manager.file_storage:
            await asyncio.sleep(0.01)

    run(asyncio.wait_for(visit(), 10))


def test_an_upload_without_a_size_or_before_there_is_a_lab_is_refused(browser, monkeypatch):
    assert run(browser.put("a", "x", 0, has_length=False)) == 411
    monkeypatch.setattr(process_state, "lab", None)
    assert run(browser.put("a", "x", 1)) == 413


def test_the_server_is_ready_while_the_lab_is(limits, monkeypatch):
    assert (ready(None).status_code, ready(None).body) == (200, b"ok")
    limits.readiness = lambda: "The worker hangs."
    assert (ready(None).status_code, ready(None).body) == (503, b"The worker hangs.")
    monkeypatch.setattr(process_state, "lab", None)
    assert ready(None).status_code == 200
    monkeypatch.setattr("pages.server.app.has_room", lambda: False)
    assert ready(None).status_code == 503


@pytest.mark.parametrize(
    ("error", "says"), [(UserError("TL_DEVICE is wrong."), "TL_DEVICE is"), (OSError(), "Its log")]
)
def test_a_server_whose_lab_cannot_start_is_not_ready(error, says, monkeypatch):
    def start():
        raise error

    monkeypatch.setattr(process_state, "lab", None)
    monkeypatch.setattr(process_state, "start_problem", "")
    _start(start)
    assert ready(None).status_code == 503
    assert says in ready(None).body.decode()


@pytest.mark.parametrize(
    ("script", "is_framed"),
    [(COMMUNITY_CLOUD / "lab/streamlit_app.py", True), (Path("lab/app.py"), False)],
)
def test_community_cloud_may_frame_the_lab_and_nobody_else(script, is_framed, monkeypatch):
    monkeypatch.setattr("streamlit.net_util.get_external_ip", None)
    before = config.get_option("client.allowedOrigins")
    try:
        set_options(script)
        assert bool(config.get_option("client.allowedOrigins")) is is_framed
    finally:
        config.set_option("client.allowedOrigins", before, config.ConfigOption.DEFAULT_DEFINITION)


def test_an_owners_own_choice_of_origins_stays(monkeypatch):
    monkeypatch.setattr("streamlit.net_util.get_external_ip", None)
    before = config.get_option("client.allowedOrigins")
    try:
        config.set_option("client.allowedOrigins", ["https://school.example"])
        set_options(Path("lab/app.py"))
        assert config.get_option("client.allowedOrigins") == ["https://school.example"]
    finally:
        config.set_option("client.allowedOrigins", before, config.ConfigOption.DEFAULT_DEFINITION)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 503), ("/teach", 503), ("/ready", 200), ("/static/a.js", 200), ("/_stcore/health", 200)],
)
def test_where_no_files_are_left_a_new_page_is_refused_in_words_and_open_tabs_go_on(
    monkeypatch, path, status
):
    monkeypatch.setattr(open_files.resource, "getrlimit", lambda _kind: (60, 60))
    sent = []

    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": path, "method": "GET", "headers": []}
    run(open_files.RoomForTabs(app)(scope, None, send))
    assert sent[0]["status"] == status
    assert (b"The lab is full" in sent[-1].get("body", b"")) == (status == 503)


@pytest.mark.parametrize(("soft", "hard", "after"), [(1024, 4096, 4096), (1024, -1, 65_536)])
def test_the_limit_on_open_files_is_raised_as_far_as_the_system_allows(
    monkeypatch, soft, hard, after
):
    found = []
    monkeypatch.setattr(open_files.resource, "getrlimit", lambda _kind: (soft, hard))
    monkeypatch.setattr(open_files.resource, "setrlimit", lambda _kind, new: found.append(new))
    open_files.raise_limit()
    assert found == [(after, hard)]


@pytest.fixture
def networks(monkeypatch):
    """Sets the addresses of this machine, by interface; those called ``off`` are down."""

    def set_to(found):
        listed = {
            name: [SimpleNamespace(family=socket.AF_INET, address=address)]
            for name, address in found.items()
        }
        states = {name: SimpleNamespace(isup=name != "off") for name in found}
        monkeypatch.setattr(psutil, "net_if_addrs", lambda: listed)
        monkeypatch.setattr(psutil, "net_if_stats", lambda: states)

    return set_to


@pytest.mark.parametrize(
    ("found", "usable"),
    [
        ({"lo": "127.0.0.1"}, []),
        (
            {"lo": "127.0.0.1", "eth0": "10.1.2.3", "wlan0": "192.168.0.4"},
            ["10.1.2.3", "192.168.0.4"],
        ),
        (
            {"eth0": "10.1.2.3", "docker0": "172.17.0.1", "br-1f": "172.18.0.1", "off": "10.9.9.9"},
            ["10.1.2.3"],
        ),
        ({"eth0": "169.254.1.2", "wlan0": "192.168.0.4"}, ["192.168.0.4"]),
        ({"eth0": "169.254.1.2"}, ["169.254.1.2"]),
    ],
)
def test_every_address_is_told_that_another_computer_may_reach(networks, found, usable):
    networks(found)
    assert own_addresses() == usable


@pytest.mark.parametrize(
    ("options", "urls", "says_cameras"),
    [
        ({}, ["http://10.1.2.3:8501", "http://192.168.0.4:8501"], True),
        (
            {"server.address": "0.0.0.0", "server.baseUrlPath": "lab"},
            ["http://10.1.2.3:8501/lab", "http://192.168.0.4:8501/lab"],
            True,
        ),
        (
            {"server.address": "192.168.0.4", "server.sslCertFile": "c.pem"},
            ["https://192.168.0.4:8501"],
            False,
        ),
        ({"server.address": "localhost"}, [], False),
        ({"server.address": "127.0.0.1"}, [], False),
    ],
)
def test_the_start_says_where_the_lab_is_and_what_cameras_need(
    networks, monkeypatch, options, urls, says_cameras
):
    networks({"lo": "127.0.0.1", "eth0": "10.1.2.3", "wlan0": "192.168.0.4"})
    option = config.get_option
    monkeypatch.setattr(config, "get_option", lambda name: options.get(name, option(name)))
    said = addresses.announcement()
    assert [word for word in said.split() if word.startswith("http") and ":" in word] == urls
    assert ("--server.sslCertFile" in said) == says_cameras


def test_what_the_lab_says_is_printed_once_with_its_level(capsys):
    names = ("tl_core", "pages", "uvicorn.error", "uvicorn.access", "websockets")
    loggers = [logging.getLogger(name) for name in names]
    before = [(each, each.handlers, each.propagate, each.level, each.filters) for each in loggers]
    for each in loggers:
        each.handlers, each.filters = [logging.StreamHandler()], []
    try:
        configure_logs()
        configure_logs()
        logging.getLogger("tl_core.engine.job").info("a run ended")
        logging.getLogger("tl_core.engine.job").debug("a detail")
        logging.getLogger("uvicorn.error").setLevel("INFO")  # as new options of Streamlit's do
        logging.getLogger("uvicorn.error").info("10.1.2.3 came")
        for number in range(100):
            logging.getLogger("uvicorn.error").warning("%d: nonsense", number)
        for error in (KeyError("a"), KeyError("b"), ValueError("a")):
            try:
                raise error
            except LookupError:
                logging.getLogger("uvicorn.error").exception("here")
            except ValueError:
                logging.getLogger("uvicorn.error").exception("there")
    finally:
        for logger, handlers, propagate, level, filters in before:
            logger.handlers, logger.propagate, logger.filters = handlers, propagate, filters
            logger.setLevel(level)
    said = capsys.readouterr().err.splitlines()
    assert said[0].endswith(" INFO tl_core.engine.job: a run ended")
    assert [line for line in said[1:] if line[0] not in " T"] == [
        *("0: nonsense", "here", "KeyError: 'a'", "there", "ValueError: a")
    ]


def test_a_long_answer_is_handed_over_in_pieces_and_comes_whole():
    sent = []

    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"abc" * 2**16, "more_body": True})
        await send({"type": "http.response.body", "body": b"end"})

    async def send(message):
        sent.append(message)

    run(InPieces(app)({"type": "http"}, None, send))
    assert b"".join(one.get("body", b"") for one in sent) == b"abc" * 2**16 + b"end"
    assert max(len(one.get("body", b"")) for one in sent) == PIECE_BYTES
    assert [one.get("more_body", False) for one in sent] == [False, True, True, True, False]


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


def test_what_was_taken_home_leaves_the_memory_once_nobody_is_here(monkeypatch):
    expired, removed, given_back, tabs = [], [], [], ["a tab"]
    lab = SimpleNamespace(give_back_memory=lambda: given_back.append(1))
    monkeypatch.setattr(process_state, "lab", lab)
    monkeypatch.setattr(process_state, "large_came", True)
    storage = SimpleNamespace(_cache=SimpleNamespace(expire=lambda: expired.append(1)))
    here = SimpleNamespace(
        _session_mgr=SimpleNamespace(_session_storage=storage, list_active_sessions=lambda: tabs),
        media_file_mgr=SimpleNamespace(remove_orphaned_files=lambda: removed.append(1)),
        is_active_session=lambda session: session in tabs,
    )
    monkeypatch.setattr(process_state, "refused", {"a tab", "closed meanwhile"})
    monkeypatch.setattr(sessions.runtime, "get_instance", lambda: here)
    monkeypatch.setattr(sessions, "LOOK_EVERY_S", 0)

    async def watch():
        task = asyncio.create_task(sessions.forget_closed())
        while len(expired) < 2:
            await asyncio.sleep(0)
        assert not removed
        assert process_state.refused == {"a tab"}
        assert given_back == [1]
        tabs.clear()
        while not removed:
            await asyncio.sleep(0)
        task.cancel()

    run(asyncio.wait_for(watch(), 10))


def test_what_looks_again_and_again_goes_on_after_an_error(monkeypatch, caplog):
    monkeypatch.setattr("pages.server.app.AGAIN_S", 0)
    looks = []

    async def look():
        looks.append(1)
        if len(looks) < 3:
            raise KeyError("gone")
        await asyncio.Event().wait()

    async def watch():
        task = asyncio.create_task(for_good(look))
        while len(looks) < 3:
            await asyncio.sleep(0)
        task.cancel()

    run(asyncio.wait_for(watch(), 10))
    assert len(caplog.records) == 2


def test_a_tab_that_is_closed_is_told_to_the_lab_and_one_that_is_reloaded_is_not(monkeypatch):
    looks = iter([{"ann", "bob"}, {"ann"}, {"ann"}, set()])
    told = []
    monkeypatch.setattr(sessions, "LOOK_EVERY_S", 0)
    monkeypatch.setattr(process_state, "lab", SimpleNamespace(note_absent=told.append))
    monkeypatch.setattr(process_state, "absent", lambda: frozenset(next(looks)))

    async def look():
        with suppress(RuntimeError):  # there are no more looks
            await sessions.tell_who_is_absent()

    run(asyncio.wait_for(look(), 5))
    assert told == [set(), {"ann"}, {"ann"}, set()]
