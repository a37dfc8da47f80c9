"""Files of models travel as they are."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send


class Uncompressed:
    """Asks for downloads of numbers as they are, whatever the browser would accept.

    Streamlit would compress them anew for every download: a model of VGG for more than a minute,
    in which the browser hears nothing, and weights become hardly a tenth smaller.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the browser's list of compressions from requests for such files."""
        path = scope.get("path", "")
        if scope["type"] == "http" and "/media/" in path and path.endswith(".bin"):
            scope = scope | {"headers": list(scope["headers"])}  # type: ignore[operator]
            del MutableHeaders(scope=scope)["accept-encoding"]
        await self._app(scope, receive, send)
