"""Answers travel in pieces, so that a browser that does not read holds a piece and not all.

Parts of a file are not served: each would be a copy of it.
"""

import asyncio
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PIECE_BYTES = 2**16
PATIENCE_S = 60.0  # for a long answer, whatever its size
LEAST_BYTES_A_S = (
    2**14
)  # of it, beyond that; so what is fetched drop by drop does not stay for days


class InPieces:
    """Hands the server so much of an answer at a time; it copies what the browser has not taken.

    An answer that is taken too slowly is broken off, and its connection closed.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, and divide long bodies of answers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = [header for header in scope["headers"] if header[0] != b"range"]
        await self._app(dict(scope) | {"headers": headers}, receive, _Pieces(send))


class _Pieces:
    """The way of one answer."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._is_broken_off = False

    async def __call__(self, message: Message) -> None:
        size = len(message.get("body", b""))
        if self._is_broken_off:
            return
        if size < PIECE_BYTES:
            await self._send(message)
            return
        self._is_broken_off = True
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S + size / LEAST_BYTES_A_S):
                body = memoryview(message["body"])
                for start in range(0, size, PIECE_BYTES):
                    end = start + PIECE_BYTES
                    has_more = end < size or message.get("more_body", False)
                    piece = bytes(body[start:end])
                    await self._send(dict(message) | {"body": piece, "more_body": has_more})
                self._is_broken_off = False
