"""What a connection may hold of the server: a place, time to ask, and room for what is not read."""

import asyncio
import logging
import time
from typing import Any
from weakref import WeakKeyDictionary

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from pages.server.compat import require
from pages.server.compat.websockets import LimitedWebSocket
from pages.server.log_limit import log_limit
from pages.server.open_files import has_room

log = logging.getLogger(__name__)

SILENT_S = 10.0  # until the whole head of a first request has come
STALLED_S = 60.0  # in which a browser takes nothing of what waits for it
LOOK_EVERY_S = 5.0

_waiting: WeakKeyDictionary[Any, tuple[int, float]] = WeakKeyDictionary()
"""Of each transport: the bytes that wait for its browser, and when they last became fewer."""


def limit_connections() -> None:
    """Keep strangers from holding connections for nothing; called once, at the server's start.

    uvicorn takes every connection that the system has room for, waits for its first request for as
    long as it lasts, and waits as long for a browser that does not read, when it closes one too.

    Relied on: ``connection_made``, ``handle_websocket_upgrade``, ``scope`` and
    ``ws_protocol_class`` of uvicorn's HTTP protocol.
    """
    require(AutoHTTPProtocol, "connection_made", "handle_websocket_upgrade")
    where: Any = AutoHTTPProtocol
    begin, upgrade = where.connection_made, where.handle_websocket_upgrade

    def begin_with_room(connection: Any, transport: Any) -> None:
        require(connection, "scope", "ws_protocol_class")
        begin(connection, transport)
        if not has_room(for_tabs=False):
            _end(transport, "a connection for which there is no file descriptor")
            return
        _waiting[transport] = 0, time.monotonic()
        asyncio.get_running_loop().call_later(SILENT_S, _end_silent, connection)

    def upgrade_to_limited(connection: Any, *event: Any) -> None:
        connection.ws_protocol_class = LimitedWebSocket
        upgrade(connection, *event)

    where.connection_made = begin_with_room
    where.handle_websocket_upgrade = upgrade_to_limited
    asyncio.get_running_loop().set_exception_handler(_say_once)


async def end_stalled() -> None:
    """Let go of browsers that do not read, and look again; runs on the event loop."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        now = time.monotonic()
        for transport, (before, since) in list(_waiting.items()):
            count = transport.get_write_buffer_size()
            since = since if count >= before > 0 else now
            _waiting[transport] = count, since
            if now > since + STALLED_S:
                _end(transport, "a browser that does not read")


def _end_silent(connection: Any) -> None:
    if connection.scope is None and not connection.transport.is_closing():
        _end(connection.transport, "a connection that asks for nothing")


def _end(transport: Any, why: str) -> None:
    if log_limit.is_due(str((transport.get_extra_info("peername") or ("",))[0]), why):
        log.warning("Ended: %s", why)
    transport.abort()


def _say_once(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Where descriptors run out, asyncio reports it two thousand times a second."""
    what = str(context.get("message"))
    if "accept" not in what:
        loop.default_exception_handler(context)
    elif log_limit.is_due("", what):
        log.warning("No file descriptor is left for another connection; trying again.")
