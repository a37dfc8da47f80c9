"""What the server looks after again and again: tabs that are closed, and what they leave."""

import asyncio
import gc
import weakref
from contextlib import suppress
from types import SimpleNamespace

import psutil
from streamlit.proto.ClientState_pb2 import ClientState

from pages.server import process_state
from pages.server.app import for_good
from pages.server.compat import sessions
from tests.app.conftest import run


def tab_with(query):
    return SimpleNamespace(_client_state=ClientState(query_string=query))


def test_what_was_taken_home_leaves_the_memory_once_nobody_is_here(monkeypatch):
    expired, removed, given_back, tabs = [], [], [], ["a tab"]
    tab = tab_with("a=b")
    first = tab._client_state
    lab = SimpleNamespace(give_back_memory=lambda: given_back.append(1))
    monkeypatch.setattr(process_state, "lab", lab)
    monkeypatch.setattr(process_state, "large_came", True)
    storage = SimpleNamespace(_cache=SimpleNamespace(expire=lambda: expired.append(1)))
    here = SimpleNamespace(
        _session_mgr=SimpleNamespace(
            _session_storage=storage,
            list_active_sessions=lambda: [SimpleNamespace(session=tab) for _ in tabs],
        ),
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
        assert tab._client_state == first and tab._client_state is not first  # noqa: PT018
        assert process_state.refused == {"a tab"}
        assert given_back == [1]
        tabs.clear()
        while not removed:
            await asyncio.sleep(0)
        task.cancel()

    run(asyncio.wait_for(watch(), 10))


class Closed(dict):
    """What is kept of closed tabs: nothing any more."""

    def expire(self):
        pass


class Session:
    """Holds itself, as Streamlit's do."""

    def __init__(self):
        self.itself = self


def test_who_came_while_the_lab_began_leaves_nothing_once_nobody_is_here(monkeypatch):
    here = SimpleNamespace(
        _session_mgr=SimpleNamespace(
            _session_storage=SimpleNamespace(_cache=Closed()), list_active_sessions=list
        ),
        media_file_mgr=SimpleNamespace(remove_orphaned_files=lambda: None),
        is_active_session=lambda _session: False,
    )
    monkeypatch.setattr(process_state, "lab", SimpleNamespace())
    monkeypatch.setattr(process_state, "large_came", False)
    monkeypatch.setattr(process_state, "refused", set())
    monkeypatch.setattr(sessions.runtime, "get_instance", lambda: here)
    monkeypatch.setattr(sessions, "LOOK_EVERY_S", 0)
    session = Session()
    left = weakref.ref(session)
    gc.freeze()
    del session
    gc.collect()
    assert left() is not None

    async def watch():
        task = asyncio.create_task(sessions.forget_closed())
        while left() is not None:
            await asyncio.sleep(0)
        task.cancel()

    run(asyncio.wait_for(watch(), 10))
    gc.unfreeze()


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


def test_what_a_browser_says_of_itself_again_and_again_keeps_no_memory():
    tab, long = tab_with("a=b"), ClientState(context_info={"url": "x" * 2**20})
    here = psutil.Process()
    before = here.memory_info().rss
    for _ in range(200):
        tab._client_state.context_info.CopyFrom(long.context_info)
        sessions.renew_state(tab)
    assert here.memory_info().rss - before < 50 * 2**20
    assert tab._client_state.query_string == "a=b"
