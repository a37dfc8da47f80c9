"""Room for tabs: each takes four file descriptors, and a process may have only so many."""

import os
import sys
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pages.languages import language, preferred
from tl_core.errors import gettext_noop as N_

if sys.platform != "win32":  # which has no such limit
    import resource

_SPARE = 128  # descriptors kept for weights, photographs and the tabs that are open already
_LEAST_SPARE = 64  # of these for weights and photographs; an eighth of the limit where that is low
_ENOUGH = 65_536
_OPEN = Path("/proc/self/fd")
_NO_PAGES = (".", "/_stcore/", "/ready")  # in addresses
_FULL = """<!doctype html><html lang="{code}"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="30">
<body style="font: 18px sans-serif; margin: 3rem auto; max-width: 30rem">
<h1>{title}</h1><p>{words}</p>"""
_TITLE = N_("The lab is full")
_WORDS = N_(
    "The server can't open another tab right now. Close any tabs you don't need; this page tries "
    "again in half a minute."
)


def raise_limit() -> None:
    """Let this process open as many files as the system allows without asking."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wished = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wished:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wished, hard))


def has_room(*, for_tabs: bool = True) -> bool:
    """Whether another tab may open its files, or another connection its own.

    Unknown where the system does not list them.
    """
    if sys.platform == "win32" or not _OPEN.exists():
        return True
    limit, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return True
    spare = _SPARE if for_tabs else min(_LEAST_SPARE, limit // 8)
    return len(os.listdir(_OPEN)) + spare < limit


def _full(scope: Scope) -> str:
    """The page that says so, in the browser's language."""
    wishes = Headers(scope=scope).get("accept-language", "").split(",")
    found = language(preferred(wish.partition(";")[0] for wish in wishes))
    return _FULL.format(code=found.code, title=found.words(_TITLE), words=found.words(_WORDS))


class RoomForTabs:
    """Answers with a page that says so where there is no room for another tab.

    Only addresses of pages are refused: the tabs that are open go on.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on but a new page for which there is no room."""
        path = scope.get("path", "")
        is_page = scope["type"] == "http" and not any(part in path for part in _NO_PAGES)
        if is_page and not has_room():
            await HTMLResponse(_full(scope), 503, {"Retry-After": "30"})(scope, receive, send)
        else:
            await self._app(scope, receive, send)
