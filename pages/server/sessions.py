"""Sessions of tabs that were closed: forgotten when their time is up."""

import asyncio
from typing import cast

from streamlit import runtime
from streamlit.runtime.caching.ttl_cache import TTLCache
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager

LOOK_EVERY_S = 5.0


async def forget_closed() -> None:
    """Let go of what a closed tab had, once it cannot come back; runs on the event loop.

    Streamlit does so only when the next tab is closed, so that after a class everything that its
    last tabs have shown stays in memory: pictures, runs, uploads.

    Relied on, beside public names: ``Runtime._session_mgr``, ``_session_storage`` of that, and
    ``_cache`` of that.
    """
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        manager = cast("WebsocketSessionManager", runtime.get_instance()._session_mgr)
        storage = cast("MemorySessionStorage", manager._session_storage)
        cast("TTLCache[str, object]", storage._cache).expire()
