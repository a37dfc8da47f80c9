"""What tabs that were closed have left: forgotten when its time is up."""

import asyncio
import gc
from typing import cast

from streamlit import runtime
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.caching.ttl_cache import TTLCache
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager

from pages.server import process_state

LOOK_EVERY_S = 5.0


async def tell_who_is_absent() -> None:
    """Tell the lab whose tab has been closed for some seconds; runs on the event loop.

    A tab that polls no more counts as away much later, since a background tab seldom polls.
    """
    before: frozenset[str] = frozenset()
    while True:
        await asyncio.sleep(LOOK_EVERY_S / 2)
        if process_state.lab is not None:
            now = process_state.absent()
            # in two looks: a tab that is reloaded is away for a moment
            process_state.lab.note_absent(before & now)
            before = now


async def forget_closed() -> None:
    """Let go of what a closed tab had, once it cannot come back; runs on the event loop.

    Streamlit does so only when the next tab is closed, and drops files that were taken home only
    when somebody's run ends, so that after a class everything that its last tabs have shown stays
    in memory: pictures, runs, models. And what large messages have left free goes to the system.
    Those who came while the lab began were frozen with it, so the garbage collector passes them by:
    the first time that nobody is here any more it looks at everything once. What an open tab's
    browser says of itself is written anew, since protobuf keeps each text that was overwritten as
    long as the message around it.

    Relied on, beside public names: ``Runtime._session_mgr``, ``_session_storage`` of that,
    ``_cache`` of that, and ``AppSession._client_state``.
    """
    has_thawed = False
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        server = runtime.get_instance()
        manager = cast("WebsocketSessionManager", server._session_mgr)
        storage = cast("MemorySessionStorage", manager._session_storage)
        closed = cast("TTLCache[str, object]", storage._cache)
        closed.expire()
        _renew_states(manager)
        if process_state.large_came and process_state.lab is not None:
            process_state.large_came = False
            await asyncio.to_thread(process_state.lab.give_back_memory)
        process_state.refused = set(filter(server.is_active_session, process_state.refused))
        if not manager.list_active_sessions():  # else the end of a run does it
            server.media_file_mgr.remove_orphaned_files()
            if not has_thawed and not closed and process_state.lab is not None:
                has_thawed = True
                gc.unfreeze()
                gc.collect()
                gc.freeze()


def _renew_states(manager: WebsocketSessionManager) -> None:
    """Apart, so that whoever watches holds no tab between two looks."""
    for info in manager.list_active_sessions():
        renew_state(info.session)


def renew_state(session: AppSession) -> None:
    """Give a tab's state memory of its own, without what was overwritten in it."""
    state = ClientState()
    state.CopyFrom(session._client_state)
    session._client_state = state
