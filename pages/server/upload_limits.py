"""A limit on uploads that wait in memory until a page has read them.

How large one may be, and all of a tab, is in tl_core/settings.py.
"""

import asyncio
import re
import time
from collections import Counter
from contextlib import suppress
from typing import Any, Final, cast

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from pages.server import process_state

PATIENCE_S = 120.0  # for others' files to be taken
STALLED_S = 20.0  # without a byte
GONE_S = 10.0  # without the tab; a lost connection comes back sooner
FORGOTTEN_S = 120.0  # after the last upload of a tab; a page takes its files within seconds
_LOOK_EVERY_S = 0.2
_LEAST_BYTES = 50_000  # that a file counts for: an empty one has a record and a name too
_ADDRESS = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+$")
_DISCONNECT: Final[Message] = {"type": "http.disconnect"}
_CLOSE = {"Connection": "close"}  # nobody waits for what is still to come


class UploadLimit:
    """Refuses uploads beyond what a tab, and all tabs together, may hold; runs on the event loop.

    Streamlit limits single files only and keeps them until their tab is closed; pages let them go
    once they are taken, which is when the last file of a drop has come. What names no open tab is
    refused before anything is noted of it; a tab over its own limit, which counts what its uploads
    announce, at once. For all together only what has come counts, so that what never comes keeps
    nobody waiting: where they are over their limit, an upload waits for others to be taken; the tab
    that began first can always go on up to its limit, so that tabs never wait for each other in a
    circle. An upload that stalls or whose tab is gone
    is ended. Files that no page took, because it was changed in mid-upload or its tab closed, are
    dropped after ``FORGOTTEN_S``.

    Relied on, beside public names: the address of uploads, and ``MemoryUploadedFileManager`` with
    ``file_storage`` (records by session and file), ``remove_session_files``.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._announced: Counter[str] = Counter()  # bytes of uploads under way, by session
        self._came: Counter[str] = Counter()  # of these
        self._latest: dict[str, float] = {}  # when a session's last one ended, first come first
        self._is_due = False  # whether a look for files that no page takes is to come

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on but an upload for which there is no room."""
        is_put = scope["type"] == "http" and scope["method"] == "PUT"
        found = _ADDRESS.search(scope["path"]) if is_put else None
        if found is None:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        if not length.isdecimal() or "transfer-encoding" in headers:  # beside which it says nothing
            await PlainTextResponse("The size must be known.", 411)(scope, receive, send)
            return
        if not _is_active(found[1]):
            await PlainTextResponse("No such tab.", 400, _CLOSE)(scope, receive, send)
            return
        upload = _Upload(self, found[1], receive)
        size = counted(int(length))
        if self._may_begin(found[1], size):
            await self._pass_on(upload, size, scope, send)
        else:
            upload.status = 413
        if upload.status == 413:
            await upload.drain()  # a browser reports the answer only once it has sent everything
            if _is_active(upload.session):
                process_state.refused.add(upload.session)
        if upload.status:
            answer = PlainTextResponse("Refused.", upload.status, _CLOSE)
            await answer(scope, receive, send)

    async def _pass_on(self, upload: "_Upload", size: int, scope: Scope, send: Send) -> None:
        session = upload.session
        self._announced[session] += size
        try:
            await self._app(scope, upload.receive, send)
        except ClientDisconnect:  # by us, or the tab was closed
            pass
        finally:
            self._announced -= Counter({session: size})
            self._came -= Counter({session: upload.came})
            self._latest[session] = time.monotonic()
            self._look_later()

    def _may_begin(self, session: str, size: int) -> bool:
        """Whether the tab's own limit allows it."""
        if process_state.lab is None:
            return False
        held = _stored()[session] + self._announced[session]
        return held + size <= process_state.lab.settings.upload_visit_mb * 2**20

    async def make_room(self, session: str, size: int) -> bool:
        """Count bytes that have come as soon as there is room; ``False`` if there will be none."""
        self._latest.setdefault(session, time.monotonic())
        deadline = time.monotonic() + PATIENCE_S
        while process_state.lab is not None and time.monotonic() < deadline:
            settings = process_state.lab.settings
            used = self._used()
            first = next(iter(self._latest), session)
            limit = settings.upload_visit_mb * 2**20
            spare = 0 if first == session else max(limit - used[first], 0)
            if used.total() + size + spare <= settings.upload_memory_mb * 2**20:
                self._came[session] += size
                return True
            await asyncio.sleep(_LOOK_EVERY_S)
        return False

    def _used(self) -> Counter[str]:
        """Bytes that have come and were not taken, by session."""
        used = self._came + _stored()
        is_open = used + self._announced
        self._latest = {key: ended for key, ended in self._latest.items() if is_open[key]}
        return used

    def _look_later(self) -> None:
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_later(FORGOTTEN_S + _LOOK_EVERY_S, self._drop_untaken)

    def _drop_untaken(self) -> None:
        """Let go of what has come long ago; its page was changed, or its tab closed meanwhile."""
        long_ago = time.monotonic() - FORGOTTEN_S
        for session, ended in list(self._latest.items()):
            if ended < long_ago and not self._announced[session]:
                _manager().remove_session_files(session)
        self._used()
        self._is_due = False
        if self._latest:
            self._look_later()


class _Upload:
    """One file on its way; the app sees the client go where it has to end."""

    def __init__(self, limit: UploadLimit, session: str, receive: Receive) -> None:
        self._limit, self.session, self._receive = limit, session, receive
        self._active_at = time.monotonic()
        self.came = 0  # bytes
        self.status = 0  # with which it was ended; 0 while it was not

    async def receive(self) -> Message:
        """The next bytes, once there is room for them."""
        message = await self._next()
        body: Any = message.get("body", b"")
        if body and not await self._limit.make_room(self.session, len(body)):
            self.status = 413
            return _DISCONNECT
        self.came += len(body)
        return message

    async def _next(self) -> Message:
        now = time.monotonic()
        self._active_at = now if _is_active(self.session) else self._active_at
        if now <= self._active_at + GONE_S:
            with suppress(TimeoutError):
                async with asyncio.timeout(STALLED_S):
                    return await self._receive()
        self.status = 408
        return _DISCONNECT

    async def drain(self) -> None:
        """Take in what is still to come, and keep none of it."""
        while (await self._next()).get("more_body"):
            pass


def counted(size: int) -> int:
    """The bytes that a file of so many bytes counts for."""
    return max(size, _LEAST_BYTES)


def _is_active(session: str) -> bool:
    return bool(runtime.get_instance().is_active_session(session))


def _stored() -> Counter[str]:
    """Bytes that have come and that no page has taken, or has not read yet, by session."""
    stored: Counter[str] = Counter()
    for session, size in list(process_state.being_read.values()):
        stored[session] += size
    for session, records in list(_manager().file_storage.items()):
        sizes = (len(record.data) for record in list(records.values()))
        stored[session] += sum(map(counted, sizes))
    return stored


def _manager() -> MemoryUploadedFileManager:
    return cast("MemoryUploadedFileManager", runtime.get_instance().uploaded_file_mgr)
