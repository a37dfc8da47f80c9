"""The way of a camera's frames: a websocket of the lab's own, beside Streamlit's.

A browser says who it is and what it wants, as JSON, and again where that changes; then it sends
one JPEG, and the next when the answer has come. Nothing of a frame is kept.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from streamlit import config

from pages.server import process_state
from tl_core.errors import UserError

if TYPE_CHECKING:
    from tl_core.lab import Job
    from tl_core.specs.live import LiveAnswer

PATH = "live"
FRAMES_A_S = 30
MOST_WISHES = 1_000  # characters of what a browser wants
MOST_FAULTS = 10  # in a row
QUIET_S = 60.0  # without a frame, after which the visit may be over
# Codes of the end of a connection, after which a browser does not try again
OVER, ELSEWHERE, FAULTY = 4000, 4001, 4002

_open: dict[str, WebSocket] = {}  # by visitor


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a browser wants to know of its frames."""

    token: str
    backbone: str
    target: int | None
    language: str


class _Fault(Exception):
    """What no page of the lab sends."""


async def live(socket: WebSocket) -> None:
    """Answer a visitor's frames, one after another, until the camera or the visit ends."""
    await socket.accept()
    visitor = ""
    try:
        wishes = _wishes(await socket.receive())
        visitor = process_state.visitor_of(wishes.token) or ""
        if not visitor:
            await socket.close(OVER)
            return
        older = _open.get(visitor)
        _open[visitor] = socket
        if older is not None:
            await _close(older, ELSEWHERE)
        await _answer_all(socket, visitor, wishes)
    except _Fault:
        await _close(socket, FAULTY)
    except WebSocketDisconnect:
        pass
    finally:
        if _open.get(visitor) is socket:
            del _open[visitor]


async def _answer_all(socket: WebSocket, visitor: str, wishes: Wishes) -> None:
    faults, due_at = 0, 0.0
    while True:
        try:
            async with asyncio.timeout(QUIET_S):
                event = await socket.receive()
        except TimeoutError:
            if process_state.visitor_of(wishes.token) == visitor:
                continue
            await socket.close(OVER)
            return
        if event["type"] == "websocket.disconnect":
            return
        if event.get("bytes") is None:
            wishes = _wishes(event)
            continue
        await asyncio.sleep(due_at - time.monotonic())
        due_at = time.monotonic() + 1 / FRAMES_A_S
        if process_state.visitor_of(wishes.token) != visitor:
            await socket.close(OVER)
            return
        try:
            said = await _answered(event["bytes"], visitor, wishes)
            faults = 0
        except UserError as error:
            faults += 1
            said = {"problem": process_state.say(error, wishes.language)}
        if socket.application_state is not WebSocketState.CONNECTED:
            return  # a newer one of this visit has closed it meanwhile
        await socket.send_text(json.dumps(said | {"others": len(_open) - 1}))
        if faults >= MOST_FAULTS:
            raise _Fault


async def _answered(frame: bytes, visitor: str, wishes: Wishes) -> dict[str, Any]:
    job = await asyncio.to_thread(_submit, frame, visitor, wishes)
    over, loop = asyncio.Event(), asyncio.get_running_loop()

    def tell(_job: Job[Any]) -> None:
        loop.call_soon_threadsafe(over.set)

    job.when_over(tell)
    await over.wait()
    return _message(job)


def _submit(frame: bytes, visitor: str, wishes: Wishes) -> Job[Any]:
    """Ask the lab about a frame.

    Raises:
        UserError: If it is no JPEG of a frame's size, or the lab cannot answer now.
    """
    from tl_core.specs.live import MOST_BYTES, LiveFrame

    if len(frame) > MOST_BYTES or not frame.startswith(b"\xff\xd8\xff") or not process_state.lab:
        raise UserError(
            "The camera sent something that isn't a picture. Turn Live off and on again."
        )
    process_state.lab.touch(visitor)
    spec = LiveFrame(backbone=wishes.backbone, frame=frame, target=wishes.target)
    return process_state.lab.jobs.submit(spec, visitor)


def _message(job: Job[Any]) -> dict[str, Any]:
    """What a browser hears of a frame; nothing where nobody waits for it any more.

    Raises:
        UserError: If it could not be answered.
    """
    if job.error is not None:
        raise job.error
    answer = cast("LiveAnswer | None", job.snapshot)
    if answer is None:
        return {}
    return {
        "answers": [(one.index, one.probability) for one in answer.answers],
        "shown": (answer.shown.index, answer.shown.probability),
        "heat": base64.b64encode(answer.heat).decode(),
        "side": answer.heat_side,
        "p_value": answer.novelty and answer.novelty.p_value,
        "nearest": answer.novelty.nearest if answer.novelty else "",
    }


def _wishes(event: Mapping[str, Any]) -> Wishes:
    """What a browser has said."""
    if event["type"] == "websocket.disconnect":
        raise WebSocketDisconnect
    text = event.get("text")
    try:
        if text is None or len(text) > MOST_WISHES:
            raise _Fault
        match json.loads(text):
            case {
                "token": str(token),
                "backbone": str(backbone),
                "target": int() | None as target,
                "language": str(language),
            } if not isinstance(target, bool):
                return Wishes(token, backbone, target, language)
    except (ValueError, RecursionError) as error:
        raise _Fault from error
    raise _Fault


async def _close(socket: WebSocket, code: int) -> None:
    with suppress(RuntimeError, WebSocketDisconnect):  # where it is closed already
        await socket.close(code)


def live_route() -> WebSocketRoute:
    """The route, under the address that Streamlit's pages have."""
    base = str(config.get_option("server.baseUrlPath") or "").strip("/")
    return WebSocketRoute(f"/{base}/{PATH}" if base else f"/{PATH}", live)
