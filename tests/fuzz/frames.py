"""What no camera sends over the websocket of live frames: the lab answers others all the same."""

import functools
import json
import random
from contextlib import suppress

from websockets.exceptions import ConnectionClosed

from tests.camera_frames import frames
from tests.fuzz.links import VALUES
from tests.fuzz.messages import running_app
from tests.fuzz.registry import Kind
from tests.load.live import live_socket, wishes
from tests.websocket_client import Visitor

_NETWORKS = ("efficientnet_lite0", "vgg16", "own:x", "")


def hostile_frames(seed: int) -> None:
    """Frames and wishes of all kinds, cut, changed, too long or of another type."""
    chance, app = random.Random(seed), running_app()
    with (
        live_socket(app.url, _token(), chance.choice(_NETWORKS)) as socket,
        suppress(ConnectionClosed),
    ):
        for _ in range(chance.randint(1, 12)):
            sent = _message(chance)
            socket.send(sent)
            if isinstance(sent, bytes) and chance.random() < 0.7:  # wishes are not answered
                socket.recv(timeout=60)
    with live_socket(app.url, _token()) as socket:
        socket.send(frames()[0])
        assert len(json.loads(socket.recv(timeout=60))["answers"]) == 5
    assert app.get("/ready") == "ok"
    assert "Traceback" not in app.log, app.log


def _message(chance: random.Random) -> bytes | str:
    frame = bytearray(chance.choice(_frames()))
    kind = chance.randrange(6)
    if kind == 0:
        return json.dumps({**wishes(_token(), chance.choice(_NETWORKS)), "target": _number(chance)})
    if kind == 1:
        return chance.choice(("", "{", "[]", chance.choice(VALUES), "x" * 5000))
    if kind == 2:
        return bytes(frame[: chance.randrange(len(frame))])
    if kind == 3:
        return b"\xff\xd8\xff" + chance.randbytes(chance.choice((0, 10, 99_000, 200_000)))
    for _ in range(chance.randint(0, 20)):
        frame[chance.randrange(len(frame))] = chance.randrange(256)
    return bytes(frame)


def _number(chance: random.Random) -> object:
    return chance.choice((None, -1, 0, 999, 1000, 2**70, 0.5, "a", [], True))


@functools.cache
def _frames() -> list[bytes]:
    return frames()


@functools.cache
def _visitor() -> Visitor:
    """Somebody whose camera is on."""
    visitor = Visitor(running_app().url).open("backbones")
    return visitor.set("live", bool_value=True)


def _token() -> str:
    """The token of a visit that is there: its tab polls, as open tabs do."""
    return _visitor().poll().live_token


KINDS = (Kind("hostile frames", hostile_frames, share=0.03),)
