"""A limit on uploads that wait in memory until a page has read them."""

import asyncio
import re
import time
from collections import Counter
from typing import cast

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from pages.server import served

PATIENCE_S = 120.0  # for others' files to be taken
FORGOTTEN_S = 120.0  # after the last upload of a tab; a page takes its files within seconds
_LOOK_EVERY_S = 0.2
_ADDRESS = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+$")


class UploadLimit:
    """Refuses uploads beyond what a tab, and all tabs together, may hold; runs on the event loop.

    Streamlit limits single files only and keeps them until their tab is closed; pages let them go
    once they are taken, which is when the last file of a drop has come. A tab over its own limit
    is refused at once. Where all together are over theirs, an upload waits for others to be taken;
    the tab that began first can always go on up to its limit, so that tabs never wait for each
    other in a circle. Files that no page took, because it was changed in mid-upload or its tab
    closed, are dropped after ``FORGOTTEN_S``.

    Relied on, beside public names: the address of uploads, and ``MemoryUploadedFileManager`` with
    ``file_storage`` (records by session and file), ``remove_session_files``.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._coming: Counter[str] = Counter()  # bytes of uploads under way, by session
        self._latest: dict[str, float] = {}  # when a session last began or ended one, oldest first

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
            if runtime.get_instance().is_active_session(found[1]):
                served.refused.add(found[1])
            await PlainTextResponse("Too much at once.", 413)(scope, receive, send)

    async def _pass_on(
        self, session: str, size: int, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._coming[session] += size
        self._latest[session] = time.monotonic()
        try:
            await self._app(scope, receive, send)
        finally:
            self._coming -= Counter({session: size})
            self._latest[session] = time.monotonic()
            asyncio.get_running_loop().call_later(FORGOTTEN_S + _LOOK_EVERY_S, self._drop_untaken)

    async def _has_room(self, session: str, size: int) -> bool:
        """Wait until there is room, or it is clear that there will be none."""
        deadline = time.monotonic() + PATIENCE_S
        while served.lab is not None and time.monotonic() < deadline:
            settings = served.lab.settings
            used = self._used()
            limit = settings.upload_visit_mb * 2**20
            if used[session] + size > limit:
                return False
            first = next(iter(self._latest), session)
            spare = 0 if first == session else limit - used[first]
            if used.total() + size + spare <= settings.upload_memory_mb * 2**20:
                return True
            await asyncio.sleep(_LOOK_EVERY_S)
        return False

    def _used(self) -> Counter[str]:
        """Bytes that have come and were not taken, or are under way, by session."""
        used = self._coming.copy()
        for session, records in list(_manager().file_storage.items()):
            used[session] += sum(len(record.data) for record in list(records.values()))
        self._latest = {session: ended for session, ended in self._latest.items() if used[session]}
        return used

    def _drop_untaken(self) -> None:
        """Let go of what has come long ago; its page was changed, or its tab closed meanwhile."""
        long_ago = time.monotonic() - FORGOTTEN_S
        for session, ended in list(self._latest.items()):
            if ended < long_ago and not self._coming[session]:
                _manager().remove_session_files(session)


def _manager() -> MemoryUploadedFileManager:
    return cast("MemoryUploadedFileManager", runtime.get_instance().uploaded_file_mgr)
