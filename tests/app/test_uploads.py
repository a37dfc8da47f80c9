"""What tabs may send, counted before it is kept; without a server."""

import asyncio
from types import SimpleNamespace

import pytest
from starlette.requests import ClientDisconnect
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from pages.server import process_state, upload_limits
from tests.app.conftest import run

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

    async def put(self, session, file, size_mb, *, has_length=True, is_whole=True, others=()):
        chunks = [bytes(MB)] * size_mb

        async def receive():
            body = chunks.pop() if chunks else b""
            return {"type": "http.request", "body": body, "more_body": bool(chunks)}

        length = str(size_mb * MB).encode() if has_length else None
        status = await self._send(session, file, length, receive, others)
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

    async def _send(self, session, file, length, receive, others=()):
        scope = {
            "type": "http",
            "method": "PUT",
            "path": f"/base/_stcore/upload_file/{session}/{file}",
            "headers": [*others, *([(b"content-length", length)] if length else [])],
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


@pytest.mark.parametrize(
    ("sizes", "statuses"), [((4, 4, 4), [204, 204, 413]), ((4, 6), [204, 413])]
)
def test_all_tabs_together_are_refused_where_no_room_comes(browser, manager, sizes, statuses):
    async def visit():
        return [await browser.put(tab, "x", size) for tab, size in zip("abc", sizes, strict=False)]

    assert run(visit()) == statuses
    assert len(manager.file_storage) == statuses.count(204)


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
    in_chunks = [(b"transfer-encoding", b"chunked")]  # so its size may be another than it says
    assert run(browser.put("a", "x", 1, others=in_chunks, is_whole=False)) == 411
    monkeypatch.setattr(process_state, "lab", None)
    assert run(browser.put("a", "x", 1)) == 413
