"""What a websocket may make the server do before the app sees a message."""

import logging
from collections import Counter
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import Protocol

from pages.server.allowance import Allowance
from pages.server.compat import require
from pages.server.log_limit import log_limit

log = logging.getLogger(__name__)

FRAMES, FRAMES_A_S = 4_000, 400.0  # at once, and later; a browser's largest message has a thousand
MOST_FRAGMENTS = 4_000  # frames of one message
MOST_UNFINISHED_BYTES = 192 * 2**20  # of messages that have not come whole, of all connections
_PIECE = 4_096  # bytes; as many as 680 empty frames


class LimitedWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's websocket, within limits on frames, on answers to pings and on unfinished messages.

    uvicorn works through whatever has come before anybody else's turn, 43,000 empty frames at
    once; it answers every ping, also where nobody reads the answers; and only the size of one
    message is limited, in bytes, not in the objects that its frames become.

    Relied on, beside public names: ``handle_events``, ``handle_ping``,
    ``send_receive_event_to_app``, ``conn`` with its ``events``, ``reader`` and ``current_size``,
    ``frames``, ``curr_msg_data_type``, ``writable``, ``transport`` and ``client``.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        require(self, "frames", "curr_msg_data_type", "writable", "transport", "client")
        require(self.conn, "events", "reader", "current_size")
        self._allowance = Allowance(FRAMES, FRAMES_A_S)

    def data_received(self, data: bytes) -> None:
        """Take in a little at a time, so that a flood is seen before it is worked through."""
        for start in range(0, len(data), _PIECE):
            if self.transport.is_closing():
                break
            super().data_received(data[start : start + _PIECE])
        _unfinished.note(self, 0 if self.transport.is_closing() else _unfinished_bytes(self.conn))

    def handle_events(self) -> None:
        """Count the frames that have come whole."""
        left = self._allowance.take(len(self.conn.events))
        super().handle_events()
        if left < 0:
            self.end("more frames of a websocket than a browser sends")
        elif len(self.frames) > MOST_FRAGMENTS:
            self.end("a message in more frames than a browser makes of it")

    def handle_ping(self) -> None:
        """Answer where the answers are read; a later one then stands for those left out."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def send_receive_event_to_app(self) -> None:
        """Hand on a message; text that is none ends the connection, without a traceback."""
        if self.curr_msg_data_type == "text":
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.end("text that is none")
                return
        super().send_receive_event_to_app()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give its room back."""
        _unfinished.note(self, 0)
        super().connection_lost(exc)

    def end(self, why: str) -> None:
        """Close at once; what its browser has not read is dropped."""
        if log_limit.is_due(_host(self), why):
            log.warning("Ended: %s", why)
        self.frames = []
        self.transport.abort()
        _unfinished.note(self, 0)


class _Unfinished:
    """The bytes of messages that have not come whole, by connection, the oldest message first.

    Where all are too much, the oldest of the address ends that holds most, so that who begins ever
    new ones does not push others out.
    """

    def __init__(self) -> None:
        self._bytes: dict[LimitedWebSocket, int] = {}
        self._total = 0

    def note(self, socket: LimitedWebSocket, count: int) -> None:
        """Take down how much a connection holds now."""
        self._total += count - self._bytes.get(socket, 0)
        if count:
            self._bytes[socket] = count
        else:
            self._bytes.pop(socket, None)
        while self._total > MOST_UNFINISHED_BYTES:
            self._oldest_of_most().end("an unfinished message, for lack of room")

    def _oldest_of_most(self) -> LimitedWebSocket:
        held: Counter[str] = Counter()
        for socket, count in self._bytes.items():
            held[_host(socket)] += count
        (most, _bytes), *_ = held.most_common(1)
        return next(socket for socket in self._bytes if _host(socket) == most)


def _unfinished_bytes(connection: Protocol) -> int:
    return (connection.current_size or 0) + len(connection.reader.buffer)


def _host(socket: LimitedWebSocket) -> str:
    return socket.client[0] if socket.client else ""


_unfinished = _Unfinished()
