"""What a connection may hold of the server: a real uvicorn, and clients that speak by hand."""

import asyncio
import gc
import logging
import socket
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace

import pytest
import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from pages.server import log_limit, open_files
from pages.server.compat import connections, websockets
from tests.app.conftest import run

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: lab\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
ASKED = b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n"
BINARY, TEXT, PING, LAST = 0x02, 0x01, 0x09, 0x80


def frame(kind, data=b""):
    """A frame of a browser, masked with zeros."""
    size = bytes([LAST | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2)
    return bytes([kind]) + size + bytes(4) + data


@pytest.fixture(autouse=True)
def limited(monkeypatch):
    """The change of uvicorn, which the test takes back, with a log that has said nothing yet."""
    for name in ("connection_made", "handle_websocket_upgrade"):
        monkeypatch.setattr(AutoHTTPProtocol, name, getattr(AutoHTTPProtocol, name))
    monkeypatch.setattr(websockets, "_unfinished", websockets._Unfinished())
    fresh = log_limit.LogLimit()
    for module in (connections, websockets):
        monkeypatch.setattr(module, "log_limit", fresh)


async def echo(scope, receive, send):
    """Answers each message of a websocket with its size, and everything else with 24 MB."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] == "websocket.receive":
            data = event.get("bytes") or event.get("text")
            await send({"type": "websocket.send", "text": str(len(data))})
    elif scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200})
        for more in (True, True, False):
            body = {"type": "http.response.body", "body": bytes(2**23), "more_body": more}
            await send(body)


@asynccontextmanager
async def server(*, is_limited=True):
    """The port of a server, and of one without the change."""
    if is_limited:
        connections.limit_connections()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        settings = uvicorn.Config(
            echo, lifespan="off", ws="websockets-sansio", log_level="critical"
        )
        served = uvicorn.Server(settings)
        task = asyncio.create_task(served.serve([listening]))
        while not served.started:
            await asyncio.sleep(0.001)
        looking = asyncio.create_task(connections.end_idle())
        try:
            yield listening.getsockname()[1]
        finally:
            looking.cancel()
            served.should_exit = served.force_exit = True
            await task


@asynccontextmanager
async def line(port, first=HANDSHAKE):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(first)
        if first == HANDSHAKE:
            assert b"101" in await reader.readuntil(b"\r\n\r\n")
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def is_ended(reader, seconds=5):
    """Whether the server has closed it; what comes before is read."""
    try:
        async with asyncio.timeout(seconds):
            while await reader.read(2**16):
                pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


async def answer_to(data):
    async with server() as port, line(port) as (reader, writer):
        writer.write(data)
        with suppress(ConnectionError):
            return await asyncio.wait_for(reader.read(100), 5)
        return b""


def test_a_message_in_many_frames_comes_whole():
    pieces = [frame(BINARY, b"ab"), *[frame(0, b"ab")] * 1_000, frame(LAST, b"ab")]
    assert run(answer_to(b"".join(pieces))).endswith(b"2004")


@pytest.mark.parametrize(
    ("flood", "reason"),
    [
        (frame(BINARY) + frame(0) * 20_000, "more frames"),
        (frame(LAST | PING) * 20_000, "more frames"),
        (frame(LAST | BINARY) * 20_000, "more frames"),
        (frame(BINARY, b"a") + frame(0, b"a") * 200, "in more frames"),
        (frame(LAST | TEXT, b"\xff\xfe"), "text that is none"),
    ],
)
def test_what_no_browser_sends_ends_its_connection(flood, reason, monkeypatch, caplog):
    monkeypatch.setattr(websockets, "MOST_FRAGMENTS", 100 if len(flood) < 2_000 else 10**6)
    with caplog.at_level(logging.WARNING, "pages"):
        run(answer_to(flood))
    assert [reason in record.getMessage() for record in caplog.records] == [True]


def test_a_flood_of_frames_is_seen_before_all_of_it_is_worked_through(monkeypatch):
    worked = []
    count = websockets.LimitedWebSocket.handle_ping
    monkeypatch.setattr(
        websockets.LimitedWebSocket, "handle_ping", lambda s: (worked.append(1), count(s))
    )
    run(answer_to(frame(LAST | PING) * 40_000))
    assert len(worked) <= websockets.FRAMES + websockets._PIECE // len(frame(LAST | PING)) + 1


async def most_held_of_pongs(monkeypatch, *, is_limited):
    """The bytes that the server keeps for somebody who sends 13 MB of pings and reads nothing."""
    monkeypatch.setattr(websockets, "FRAMES", 10**9)
    held, begin = [0], AutoHTTPProtocol.connection_made
    transports = []

    def noted(connection, transport):
        transports.append(transport)
        begin(connection, transport)

    monkeypatch.setattr(AutoHTTPProtocol, "connection_made", noted)
    async with server(is_limited=is_limited) as port, line(port) as (reader, writer):
        reader._transport.pause_reading()
        for _ in range(200):
            writer.write(frame(LAST | PING, bytes(125)) * 500)
            await writer.drain()
            held.append(transports[0].get_write_buffer_size())
    return max(held)


def test_pongs_that_nobody_reads_are_not_kept(monkeypatch):
    held = run(most_held_of_pongs(monkeypatch, is_limited=True))
    assert held < 2 * 2**16  # asyncio's high-water mark, and what a piece adds


def test_where_unfinished_messages_are_too_much_the_oldest_of_who_holds_most_ends(monkeypatch):
    monkeypatch.setattr(websockets, "MOST_UNFINISHED_BYTES", 100_000)
    monkeypatch.setattr(websockets, "_host", lambda one: "b" if _port(one) in few else "a")
    few = set()

    async def visit():
        async with server() as port, line(port) as modest, line(port) as old, line(port) as new:
            few.add(modest[1].get_extra_info("sockname")[1])
            for (_, writer), count in ((modest, 1), (old, 2), (new, 2)):
                writer.write(frame(BINARY, bytes(20_000)) + frame(0, bytes(20_000)) * (count - 1))
                await asyncio.sleep(0.05)
            new[1].write(frame(0, bytes(20_000)))
            assert await is_ended(old[0])
            for (reader, writer), size in ((modest, b"20000"), (new, b"60000")):
                writer.write(frame(LAST))
                assert (await reader.read(100)).endswith(size)
            assert websockets._unfinished._total == 0

    run(visit())


def _port(one):
    return one.client[1]


@pytest.mark.parametrize("first", [b"", b"GET / HTTP/1.1\r\nHo", ASKED + b"G"])
def test_who_asks_for_nothing_is_let_go_and_who_has_asked_may_wait(first, monkeypatch):
    monkeypatch.setattr(connections, "SILENT_S", 0.1)
    monkeypatch.setattr(connections, "LOOK_EVERY_S", 0.02)

    async def visit():
        async with server() as port, line(port, first) as slow, line(port) as ok:
            assert await is_ended(slow[0])
            ok[1].write(frame(LAST | BINARY, b"abc"))
            assert (await ok[0].read(100)).endswith(b"3")

    run(visit())


def test_who_does_not_read_is_let_go_and_nothing_of_it_stays(monkeypatch):
    monkeypatch.setattr(connections, "STALLED_S", 0.05)
    monkeypatch.setattr(connections, "LOOK_EVERY_S", 0.02)

    async def visit():
        async with server() as port, line(port, ASKED) as (reader, _writer):
            reader._transport.pause_reading()
            while not any(one.get_write_buffer_size() for one in connections._watched):
                await asyncio.sleep(0.01)
            while any(one.get_write_buffer_size() for one in list(connections._watched)):
                await asyncio.sleep(0.01)

    run(asyncio.wait_for(visit(), 10))


def test_of_connections_that_are_over_nothing_stays():
    async def visit():
        async with server() as port:
            async with line(port) as talks, line(port, ASKED) as asks:
                talks[1].write(frame(LAST | BINARY, b"abc"))
                assert (await talks[0].read(100)).endswith(b"3")
                await asks[0].read(100)
                assert connections._watched
            while connections._watched:
                gc.collect()
                await asyncio.sleep(0.01)

    run(asyncio.wait_for(visit(), 10))


def test_without_descriptors_newcomers_are_sent_away_and_the_others_go_on(monkeypatch, caplog):
    async def visit():
        async with server() as port, line(port) as (reader, writer):
            monkeypatch.setattr(connections, "has_room", lambda **_: False)
            async with line(port, b"") as newcomer:
                assert await is_ended(newcomer[0])
            writer.write(frame(LAST | BINARY, b"abc"))
            assert (await reader.read(100)).endswith(b"3")

    run(visit())
    assert "file descriptor" in caplog.text


def test_that_no_descriptor_is_left_is_said_once_and_other_trouble_whole(caplog):
    told = []
    loop = SimpleNamespace(default_exception_handler=told.append)
    for _ in range(2_000):
        connections._say_once(loop, {"message": "socket.accept() out of system resource"})
    connections._say_once(loop, {"message": "Task exception was never retrieved"})
    assert len(caplog.records) == 1
    assert len(told) == 1


def test_a_connection_leaves_an_eighth_of_few_descriptors_to_the_lab(monkeypatch, tmp_path):
    monkeypatch.setattr(open_files.resource, "getrlimit", lambda _: (64, 64))
    for number in range(55):
        (tmp_path / str(number)).touch()
    monkeypatch.setattr(open_files, "_OPEN", tmp_path)
    assert open_files.has_room(for_tabs=False)
    assert not open_files.has_room()
    (tmp_path / "more").touch()
    assert not open_files.has_room(for_tabs=False)
