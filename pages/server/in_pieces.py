"""Answers travel in pieces, so that a browser that does not read holds a piece and not all."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PIECE_BYTES = 2**16


class InPieces:
    """Hands the server so much of an answer at a time; it copies what the browser has not taken."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, and divide long bodies of answers."""

        async def send_pieces(message: Message) -> None:
            body = memoryview(message.get("body", b""))
            if len(body) <= PIECE_BYTES:
                await send(message)
                return
            for start in range(0, len(body), PIECE_BYTES):
                end = start + PIECE_BYTES
                has_more = end < len(body) or message.get("more_body", False)
                piece = bytes(body[start:end])
                await send(dict(message) | {"body": piece, "more_body": has_more})

        await self._app(scope, receive, send_pieces if scope["type"] == "http" else send)
