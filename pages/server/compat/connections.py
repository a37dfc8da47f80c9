"""What a connection may hold of the server: a place, time to ask, and room for what is not read."""

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Any
from weakref import ReferenceType, WeakKeyDictionary, ref

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from pages.server.compat import require
from pages.server.compat.websockets import LimitedWebSocket
from pages.server.log_limit import log_limit
from pages.server.open_files import has_room

log = logging.getLogger(__name__)

SILENT_S = 10.0  # until the whole head of a request has come
STALLED_S = 60.0  # in which a browser takes nothing of what waits for it
LOOK_EVERY_S = 5.0


@dataclass
class _Watch:
    """A connection, since when it asks for nothing, and what waits for its browser."""

    began: "ReferenceType[Any]"  # the HTTP protocol, which holds the transport
    silent_since: float
    waiting: int = 0  # bytes at the last look
    reads_at: float = 0.0  # when they last became fewer

    def reason_to_end(self, transport: Any, now: float) -> str:
        """Why to end it now; nothing where there is no reason."""
        protocol = self.began()
        cycle = protocol and protocol.cycle
        if transport.get_protocol() is not protocol or (cycle and not cycle.response_complete):
            self.silent_since = now
        count = transport.get_write_buffer_size()
        if not count >= self.waiting > 0:
            self.reads_at = now
        self.waiting = count
        if now > self.silent_since + SILENT_S:
            return "a connection that asks for nothing"
        return "a browser that does not read" if now > self.reads_at + STALLED_S else ""


_watched: WeakKeyDictionary[Any, _Watch] = WeakKeyDictionary()  # by transport


def limit_connections() -> None:
    """Keep strangers from holding connections for nothing; called once, at the server's start.

    uvicorn takes every connection that the system has room for, waits for its first request for as
    long as it lasts, and waits as long for a browser that does not read, when it closes one too.

    Relied on: ``connection_made``, ``handle_websocket_upgrade``, ``cycle`` and
    ``ws_protocol_class`` of uvicorn's HTTP protocol.
    """
    require(AutoHTTPProtocol, "connection_made", "handle_websocket_upgrade")
    where: Any = AutoHTTPProtocol
    begin, upgrade = where.connection_made, where.handle_websocket_upgrade

    def begin_with_room(connection: Any, transport: Any) -> None:
        require(connection, "cycle", "ws_protocol_class")
        begin(connection, transport)
        if not has_room(for_tabs=False):
            _end(transport, "a connection for which there is no file descriptor")
            return
        _watched[transport] = _Watch(ref(connection), time.monotonic())

    def upgrade_to_limited(connection: Any, *event: Any) -> None:
        connection.ws_protocol_class = LimitedWebSocket
        upgrade(connection, *event)

    where.connection_made = begin_with_room
    where.handle_websocket_upgrade = upgrade_to_limited
    asyncio.get_running_loop().set_exception_handler(_say_once)


async def end_idle() -> None:
    """Let go of connections that ask for nothing or do not read; runs on the event loop."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        now = time.monotonic()
        for transport, watch in list(_watched.items()):
            reason = watch.reason_to_end(transport, now)
            if reason and (watch.waiting or not transport.is_closing()):
                _end(transport, reason)


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
