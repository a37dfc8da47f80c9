"""How much of what visitors send may wait in memory until a page has taken it."""

import asyncio
import re
import time
from collections import Counter

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import runtime

from pages.server import served

PATIENCE_S = 20.0  # for others' files to be taken
FORGOTTEN_S = 120.0  # after the last upload of a tab; a page takes its files within seconds
_LOOK_EVERY_S = 0.2
_ADDRESS = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+$")


class UploadLimit:
    """Refuses uploads beyond what a tab, and all tabs together, may hold; runs on the event loop.

    Streamlit limits single files only and keeps them until their tab is closed; pages let them go
    once they are taken. A tab over its own limit is refused at once. Where all together are over
    theirs, an upload waits for others to be taken. Files that no page took, because it was changed
    in mid-upload, are dropped.

    Relied on, beside public names: the address of uploads, and ``MemoryUploadedFileManager`` with
    ``file_storage`` (records by session and file), ``remove_session_files``.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._claimed: Counter[str] = Counter()  # bytes under way, by session
        self._arrived = 0  # bytes of those that are here
        self._latest: dict[str, float] = {}  # when a session's last upload ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on but an upload for which there is no room."""
        is_put = scope["type"] == "http" and scope["method"] == "PUT"
        found = _ADDRESS.search(scope["path"]) if is_put else None
        if found is None:
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        if not length.isdecimal():
            await PlainTextResponse("The size must be known.", 411)(scope, receive, send)
        elif await self._has_room(found[1], int(length)):
            await self._pass_on(found[1], int(length), scope, receive, send)
        else:
            while (await receive()).get("more_body"):
                pass  # a browser reports the answer only once it has sent everything
            await PlainTextResponse("Too much at once.", 413)(scope, receive, send)

    async def _pass_on(
        self, session: str, size: int, scope: Scope, receive: Receive, send: Send
    ) -> None:
        arrived = 0

        async def counted() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            self._arrived += len(message.get("body", b""))
            if self._left() < 0:
                raise HTTPException(413)
            return message

        self._claimed[session] += size
        try:
            await self._app(scope, counted, send)
        finally:
            self._arrived -= arrived
            self._claimed -= Counter({session: size})
            self._latest[session] = time.monotonic()

    async def _has_room(self, session: str, size: int) -> bool:
        """Wait until there is room, or there will be none."""
        self._drop_forgotten()
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            mine = _held().get(session, 0) + self._claimed[session] + size
            if served.lab is None or mine > served.lab.settings.upload_visit_mb * 2**20:
                return False
            if size <= self._left():
                return True
            await asyncio.sleep(_LOOK_EVERY_S)
        return False

    def _left(self) -> int:
        """Bytes that all together may still send."""
        limit = served.lab.settings.upload_memory_mb * 2**20 if served.lab else 0
        return limit - sum(_held().values()) - self._arrived

    def _drop_forgotten(self) -> None:
        """Drop the files of tabs whose last upload is long over."""
        long_ago = time.monotonic() - FORGOTTEN_S
        for session in [found for found, ended in self._latest.items() if ended < long_ago]:
            if not self._claimed[session]:
                del self._latest[session]
                _manager().remove_session_files(session)


def _held() -> dict[str, int]:
    """Bytes of files that have come and were not taken, by session."""
    return {
        session: sum(len(record.data) for record in tuple(records.values()))
        for session, records in tuple(_manager().file_storage.items())
    }


def _manager():  # type: ignore[no-untyped-def]
    return runtime.get_instance().uploaded_file_mgr
