"""The websocket of cameras' frames, without a server."""

import asyncio
import json
import time

import pytest
from starlette.applications import Starlette
from streamlit import config

from pages.server import live_frames, process_state
from pages.server.live_frames import ELSEWHERE, FAULTY, MOST_FAULTS, OVER, live_route
from pages.shared.words import sentence_in
from tests.app.conftest import run
from tests.camera_frames import frame_of

PATIENCE_S = 60


class Camera:
    """A browser's end of the socket."""

    def __init__(self, token="a visit's", **wishes):
        self.came, self.told = asyncio.Queue(), asyncio.Queue()
        scope = {"type": "websocket", "path": "/live", "headers": [], "query_string": b""}
        app = Starlette(routes=[live_route()])
        self.task = asyncio.create_task(app(scope, self.came.get, self.told.put))
        self.came.put_nowait({"type": "websocket.connect"})
        self.wish(token, **wishes)

    def wish(self, token="a visit's", **wishes):
        backbone = {"backbone": "efficientnet_lite0", "target": None, "language": "en"}
        self.say(json.dumps({"token": token} | backbone | wishes))

    def say(self, text):
        self.came.put_nowait({"type": "websocket.receive", "text": text})

    def show(self, frame):
        self.came.put_nowait({"type": "websocket.receive", "bytes": frame})

    async def heard(self):
        """The next answer, or the code with which the connection ended."""
        while True:
            event = await asyncio.wait_for(self.told.get(), PATIENCE_S)
            if event["type"] == "websocket.close":
                return event["code"]
            if event["type"] == "websocket.send":
                return json.loads(event["text"])

    async def asked(self, frame):
        self.show(frame)
        return await self.heard()

    async def leave(self):
        self.came.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(self.task, PATIENCE_S)


@pytest.fixture
def visits(app_lab, monkeypatch):
    """Whose camera has which token."""
    known = {"a visit's": "ann", "another's": "bob"}
    monkeypatch.setattr(process_state, "lab", app_lab)
    monkeypatch.setattr(process_state, "visitor_of", known.get)
    monkeypatch.setattr(process_state, "say", sentence_in)
    return known


@pytest.fixture(scope="module")
def frame():
    return frame_of("sample:cat")


def test_frames_are_answered_one_after_another_with_a_map(visits, frame):
    async def scene():
        camera = Camera()
        first = await camera.asked(frame)
        camera.wish(target=151)
        second = await camera.asked(frame)
        await camera.leave()
        return first, second

    first, second = run(scene())
    assert first["shown"] == first["answers"][0]
    assert second["shown"][0] == 151
    assert first["answers"] == second["answers"]
    assert first["heat"] != second["heat"]
    assert first["others"] == 0
    assert not live_frames._open


def test_who_is_live_counts_as_here(visits, frame, app_lab, monkeypatch):
    touched = []
    monkeypatch.setattr(app_lab, "touch", touched.append)

    async def scene():
        camera = Camera()
        await camera.asked(frame)
        await camera.leave()

    run(scene())
    assert touched == ["ann"]


def test_others_who_are_live_are_counted(visits, frame):
    async def scene():
        ann, bob = Camera(), Camera("another's")
        await bob.asked(frame)
        found = await ann.asked(frame)
        await bob.leave()
        alone = await ann.asked(frame)
        await ann.leave()
        return found["others"], alone["others"]

    assert run(scene()) == (1, 0)


def test_a_newer_camera_of_a_visit_takes_the_place_of_the_older(visits, frame):
    async def scene():
        older = Camera()
        await older.asked(frame)
        newer = Camera()
        assert (await newer.asked(frame))["answers"]
        assert await older.heard() == ELSEWHERE
        await newer.leave()

    run(scene())


def test_a_camera_whose_place_is_taken_while_it_waits_for_an_answer_ends_quietly(visits, frame):
    async def scene():
        older = Camera()
        await older.asked(frame)
        older.show(frame)
        newer = Camera()
        while isinstance(said := await older.heard(), dict):
            pass  # the answer was quicker
        await older.leave()
        await newer.leave()
        return said

    assert run(scene()) == ELSEWHERE


def test_a_token_that_opens_nothing_is_turned_away(visits):
    async def scene():
        return await Camera("of nobody").heard()

    assert run(scene()) == OVER


def test_a_camera_ends_with_its_visit(visits, frame):
    async def scene():
        camera = Camera()
        await camera.asked(frame)
        visits.clear()
        return await camera.asked(frame)

    assert run(scene()) == OVER


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"\xff\xd8\xff no picture", b"\xff\xd8\xff" + bytes(200_000)]
)
def test_what_is_no_frame_is_a_sentence_and_after_repeats_the_end(visits, frame, data):
    async def scene():
        camera = Camera()
        assert "problem" in await camera.asked(data)
        assert "answers" in await camera.asked(frame)  # and counts no more
        for _fault in range(MOST_FAULTS):
            assert (await camera.asked(data))["problem"].endswith(".")
        return await camera.heard()

    assert run(scene()) == FAULTY


def test_a_problem_is_told_in_the_visitors_language(visits, frame):
    async def scene():
        camera = Camera(backbone="vgg16", language="ja")
        found = await camera.asked(frame)
        camera.wish(backbone="vgg16", language="../../etc")
        in_english = await camera.asked(frame)
        await camera.leave()
        return found["problem"], in_english["problem"]

    ours, english = run(scene())
    assert "VGG-16" in ours
    assert not ours.isascii()
    assert english.isascii()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[]",
        "{}",
        "[" * 900,
        '{"token": 1, "backbone": "a", "target": null, "language": "en"}',
        '{"token": "a", "backbone": "a", "target": 0.5, "language": "en"}',
        '{"token": "a", "backbone": "a", "target": true, "language": "en"}',
        '"' + "a" * 2000 + '"',
    ],
)
def test_what_no_page_says_ends_the_connection(visits, text):
    async def scene():
        camera = Camera()
        camera.say(text)
        return await camera.heard()

    assert run(scene()) == FAULTY


def test_frames_that_come_faster_than_any_camera_sends_are_slowed(visits, frame):
    async def scene():
        camera = Camera()
        await camera.asked(frame)
        begun_at = time.monotonic()
        for _frame in range(15):
            camera.show(b"GIF89a")  # answered at once
            camera.show(frame)
        for _frame in range(30):
            assert isinstance(await camera.heard(), dict)
        await camera.leave()
        return time.monotonic() - begun_at

    assert run(scene()) >= 29 / live_frames.FRAMES_A_S


@pytest.mark.parametrize(
    ("base", "path"), [("", "/live"), ("lab", "/lab/live"), ("/a/b/", "/a/b/live")]
)
def test_the_route_is_where_the_pages_are(monkeypatch, base, path):
    options = {"server.baseUrlPath": base}
    monkeypatch.setattr(config, "get_option", options.__getitem__)
    assert live_route().path == path


def test_a_silent_camera_ends_with_its_visit_and_not_before(visits, frame, monkeypatch):
    monkeypatch.setattr(live_frames, "QUIET_S", 0.02)

    async def scene():
        camera = Camera()
        await camera.asked(frame)
        await asyncio.sleep(0.1)
        assert (await camera.asked(frame))["answers"]
        visits.clear()
        return await camera.heard()

    assert run(scene()) == OVER
