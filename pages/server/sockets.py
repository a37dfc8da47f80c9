"""What every websocket keeps to: whose page it comes from, when it speaks, how much it asks."""

import asyncio
import logging
import time
from collections.abc import MutableMapping
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config, runtime

from pages.server import messages, process_state
from pages.server.allowance import Allowance
from pages.server.compat.options import is_on_community_cloud
from pages.server.log_limit import log_limit

log = logging.getLogger(__name__)

STREAM = "/_stcore/stream"  # where Streamlit's own messages travel
MOST_SILENT = 1_000  # connections that have said nothing yet, together
SILENT_S = 10.0  # after which such a connection ends
FILES, FILES_A_S = 10_000, 2_000.0  # whose addresses a tab may ask for at once, and later
RERUNS, RERUNS_A_S = 200, 40.0  # of pages and their parts, that a tab may ask for
BYTES, BYTES_A_S = 2**25, 2**23  # of a tab's messages at once, and later; what is more waits
_LARGE = 2**20  # bytes, from which on a message leaves free memory that the system can have back
_LEAST_FILES = 500  # for which a request counts; one for two files takes its time too
_PORTS: Final = {"http": 80, "https": 443}
_POLICY, _PROTOCOL = 1008, 1002  # websocket's codes for the end of a connection
_END: Final = {"type": "websocket.disconnect", "code": _POLICY}

Event = MutableMapping[str, Any]


class Sockets:
    """Ends websockets that no page of the lab opens; runs on the event loop.

    Refused are pages of another host or port. A connection that says nothing has a few seconds;
    where more come than may be silent at once, the oldest ends. Of Streamlit's messages those end
    their connection that would hold others up, and a browser that does not read is not sent more.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._silent: dict[_Socket, None] = {}  # oldest first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a websocket of the lab's own page, within its limits."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        visitor = str((scope.get("client") or ("",))[0])
        if not is_own_page(Headers(scope=scope)):
            _say(visitor, "a websocket of another page")
            await receive()
            await send({"type": "websocket.close", "code": _POLICY})
            return
        if len(self._silent) >= MOST_SILENT:
            next(iter(self._silent)).end("a websocket that says nothing")
        reads = scope["path"].endswith(STREAM)
        socket = _Socket(receive, send, visitor, self._silent, are_streamlits=reads)
        try:
            await self._app(scope, socket.receive, socket.send)
        finally:
            self._silent.pop(socket, None)


class _Socket:
    """One connection, between the server and the app."""

    def __init__(
        self,
        receive: Receive,
        send: Send,
        visitor: str,
        silent: "dict[_Socket, None]",
        *,
        are_streamlits: bool,
    ) -> None:
        self._receive, self._send, self._visitor = receive, send, visitor
        self._are_streamlits = are_streamlits
        self._silent = silent
        self._limit: asyncio.Timeout | None = None  # of the message that is waited for
        self._is_ended = False
        self._going_out = 0  # messages that the browser has not taken yet
        self._has_gone: asyncio.Event | None = None  # where that is waited for
        self._files = Allowance(FILES, FILES_A_S)
        self._reruns, self._bytes = Allowance(RERUNS, RERUNS_A_S), Allowance(BYTES, BYTES_A_S)
        self.begun_at = time.monotonic()
        silent[self] = None

    def end(self, why: str) -> None:
        """Have the app find the connection closed."""
        _say(self._visitor, why)
        self._is_ended = True
        self._silent.pop(self, None)
        if self._limit is not None:
            self._limit.reschedule(0)

    async def receive(self) -> Event:
        """The next message that the app may see, or the end of the connection."""
        while True:
            event = await self._next()
            if event["type"] != "websocket.receive":
                return event
            self._silent.pop(self, None)
            try:
                if not self._are_streamlits or await self._is_wanted(event.get("bytes")):
                    return event
            except messages.Refused as refused:
                _say(self._visitor, str(refused))
                if isinstance(refused, messages.TooManyFiles):
                    _tell_tab(refused.session)
                return await self._close(_PROTOCOL)

    async def _next(self) -> Event:
        is_silent = self in self._silent
        left_s = self.begun_at + SILENT_S - time.monotonic() if is_silent else None
        try:
            async with asyncio.timeout(0 if self._is_ended else left_s) as self._limit:
                return await self._receive()
        except TimeoutError:
            if not self._is_ended:
                _say(self._visitor, "a websocket that says nothing")
            return await self._close(_POLICY)
        finally:
            self._limit = None

    async def _is_wanted(self, data: bytes | None) -> bool:
        if data is None:
            raise messages.Refused("text, which Streamlit's pages never send")
        process_state.large_came |= len(data) > _LARGE
        message = messages.read(data)
        bytes_left, reruns_left = self._bytes.take(len(data)), self._reruns.take(1)
        if bytes_left < 0:
            await asyncio.sleep(-bytes_left / BYTES_A_S)
        if reruns_left < 0:
            raise messages.Refused("more requests than a browser makes")
        if message.WhichOneof("type") == "file_urls_request":
            count = len(message.file_urls_request.file_names)
            if self._files.take(max(count, _LEAST_FILES)) < 0:
                raise messages.Refused("more requests for files than anybody drops")
            while self._going_out and not self._is_ended:
                self._has_gone = asyncio.Event()
                await self._has_gone.wait()
        return messages.is_wanted(message)

    async def send(self, event: Event) -> None:
        """Send a message on, of which there are hundreds a second."""
        self._going_out += 1
        try:
            await self._send(event)
        finally:
            self._going_out -= 1
            if self._has_gone is not None:
                self._has_gone.set()

    async def _close(self, code: int) -> Event:
        self._is_ended = True
        if not self._going_out:  # else it would wait for a browser that does not read
            try:
                await self.send({"type": "websocket.close", "code": code})
            except (OSError, RuntimeError):
                log.debug("a connection was gone before it was closed")
        return dict(_END)


def is_own_page(headers: Headers) -> bool:
    """Whether host and port of the page that opens a websocket are those it was reached under.

    Without an origin it is no browser. An owner's own choice of Streamlit's options stays, and
    Community Cloud's.
    """
    origin = headers.get("origin")
    if origin is None:
        return True
    page = _place(origin)
    if is_on_community_cloud() or not config.get_option("server.enableCORS"):
        return page is not None or origin == "null"
    own = [f"//{headers.get('host', '')}", *(config.get_option("server.corsAllowedOrigins") or [])]
    return page is not None and any(page == _place(address, of=origin) for address in own)


def _place(address: str, *, of: str = "") -> tuple[str, int] | None:
    """Host and port of an address, whose scheme may be that ``of`` another; else ``None``."""
    try:
        parts = urlsplit(address)
        scheme = parts.scheme or urlsplit(of).scheme
        port = parts.port or _PORTS.get(scheme)
    except ValueError:  # no number, or half of a bracket
        return None
    if not parts.hostname or port is None or scheme not in _PORTS:
        return None
    return parts.hostname, port


def _tell_tab(session: str) -> None:
    """Have the tab say, once it has come back, that this was too much."""
    if runtime.get_instance().is_active_session(session):
        process_state.refused.add(session)


def _say(visitor: str, what: str) -> None:
    if log_limit.is_due(visitor, what):
        log.warning("Ended: %s", what)
