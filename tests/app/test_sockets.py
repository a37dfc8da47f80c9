"""What a websocket keeps to, without a server."""

import asyncio
import logging
from contextlib import suppress

import pytest
from starlette.datastructures import Headers
from streamlit import config
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState

from pages.server import messages, sockets
from pages.server.compat.references import MOST_HELD
from pages.server.sockets import Sockets, is_own_page
from tests.app.conftest import run

RERUN = BackMsg(rerun_script=ClientState(query_string="a=b")).SerializeToString()


class Browser:
    """One connection; the app behind it takes whatever comes until it ends."""

    def __init__(self, limits, *, origin="http://lab:8501", path="/_stcore/stream"):
        self.came, self.taken, self.sent = asyncio.Queue(), [], []
        self.reads = asyncio.Event()
        self.reads.set()
        headers = [(b"host", b"lab:8501"), (b"origin", origin.encode())]
        self.scope = {"type": "websocket", "path": path, "headers": headers, "client": ("a", 1)}
        self.came.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(limits(self.scope, self.came.get, self.send))

    def say(self, data=RERUN):
        self.came.put_nowait({"type": "websocket.receive", "bytes": data})

    async def send(self, event):
        if event["type"] == "websocket.send":
            await self.reads.wait()
        self.sent.append(event)

    @property
    def closed_with(self):
        return [e["code"] for e in self.sent if e["type"] == "websocket.close"]

    async def end(self):
        self.came.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(self.task, 5)


@pytest.fixture
def taken():
    """What the app was given."""
    return []


@pytest.fixture
def limits(taken):
    """An app that answers each message with one, from a task of its own as Streamlit does."""
    answers = set()

    async def app(_scope, receive, send):
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] != "websocket.disconnect":
            taken.append(event["bytes"])
            answers.add(asyncio.create_task(_answer(send)))

    async def _answer(send):
        with suppress(OSError):
            await send({"type": "websocket.send", "bytes": b"x"})

    return Sockets(app)


async def turn():
    for _ in range(50):
        await asyncio.sleep(0)


def files(count):
    return BackMsg(file_urls_request={"file_names": [""] * count}).SerializeToString()


def test_a_page_of_the_lab_talks_to_it(limits, taken):
    async def visit():
        browser = Browser(limits)
        browser.say()
        await turn()
        await browser.end()
        return browser.closed_with

    assert run(visit()) == []
    assert taken == [RERUN]


def test_a_page_of_another_port_is_refused_before_its_handshake(limits):
    async def visit():
        browser = Browser(limits, origin="http://lab:3000")
        await browser.task
        return browser.sent

    assert run(visit()) == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize(
    ("origin", "host", "is_own"),
    [
        (None, "lab:8501", True),
        ("http://lab:8501", "lab:8501", True),
        ("https://lab:8501", "lab:8501", True),
        ("https://lab.example", "lab.example", True),
        ("https://lab.example", "lab.example:443", True),
        ("https://LAB.example", "lab.example", True),
        ("http://[::1]:8501", "[::1]:8501", True),
        ("http://lab:8502", "lab:8501", False),
        ("http://lab", "lab:8501", False),
        ("http://localhost:3000", "localhost:8501", False),
        ("http://127.0.0.1:8501", "localhost:8501", False),
        ("https://other.example", "lab.example", False),
        ("null", "lab:8501", False),
        ("http://lab:8501x", "lab:8501", False),
        ("", "", False),
        ("ftp://lab:8501", "lab:8501", False),
        ("http://[::1", "lab:8501", False),
        ("http://lab:8501", "[", False),
    ],
)
def test_host_and_port_must_be_the_pages_own(origin, host, is_own):
    headers = {"host": host} | ({} if origin is None else {"origin": origin})
    assert is_own_page(Headers(headers)) is is_own


def test_an_owners_own_list_of_origins_is_kept(monkeypatch):
    chosen = {"server.enableCORS": True, "server.corsAllowedOrigins": ["https://school.example"]}
    monkeypatch.setattr(config, "get_option", chosen.__getitem__)
    assert is_own_page(Headers({"host": "lab", "origin": "https://school.example"}))
    assert not is_own_page(Headers({"host": "lab", "origin": "https://school.example:8443"}))
    chosen["server.enableCORS"] = False
    assert is_own_page(Headers({"host": "lab", "origin": "https://any.example"}))
    assert is_own_page(Headers({"host": "lab", "origin": "null"}))
    assert not is_own_page(Headers({"host": "lab", "origin": "http://[::1"}))  # Streamlit's error


def test_a_connection_that_says_nothing_ends(limits, monkeypatch):
    monkeypatch.setattr(sockets, "SILENT_S", 0.02)

    async def visit():
        silent, talks = Browser(limits), Browser(limits)
        talks.say()
        await asyncio.wait_for(silent.task, 5)
        assert not talks.task.done()
        await talks.end()
        return silent.closed_with

    assert run(visit()) == [1008]


def test_among_many_silent_connections_the_oldest_ends_for_a_newcomer(limits, taken, monkeypatch):
    monkeypatch.setattr(sockets, "MOST_SILENT", 3)

    async def visit():
        silent = [Browser(limits) for _ in range(3)]
        await turn()
        newcomer = Browser(limits)
        newcomer.say()
        await turn()
        assert taken
        assert [browser.task.done() for browser in silent] == [True, False, False]
        for browser in (*silent[1:], newcomer):
            await browser.end()

    run(visit())


@pytest.mark.parametrize("said", [{"bytes": b"\xff\xff"}, {"text": "hello"}])
def test_a_message_that_no_browser_sends_ends_its_connection(limits, taken, said):
    async def visit():
        browser = Browser(limits)
        browser.came.put_nowait({"type": "websocket.receive", **said})
        await asyncio.wait_for(browser.task, 5)
        return browser.closed_with

    assert run(visit()) == [1002]
    assert taken == []


def test_other_websockets_carry_what_they_like(limits, taken):
    async def visit():
        browser = Browser(limits, path="/camera")
        browser.say(b"\xff\xff")
        await turn()
        await browser.end()

    run(visit())
    assert taken == [b"\xff\xff"]


def test_somebody_who_drops_file_after_file_is_heard_and_a_flood_ends(limits, taken):
    async def visit():
        browser = Browser(limits)
        for _ in range(10):
            browser.say(files(500))
        await turn()
        assert len(taken) == 10
        for _ in range(20):
            browser.say(files(500))
        await asyncio.wait_for(browser.task, 5)
        return browser.closed_with

    assert run(visit()) == [1002]
    assert len(taken) == 20


def test_a_browser_that_does_not_read_gets_no_more_addresses_of_files(limits, taken):
    async def visit():
        browser = Browser(limits)
        browser.reads.clear()
        for _ in range(5):
            browser.say(files(10))
            await turn()
        browser.say()
        await turn()
        assert len(taken) == 1  # one answer is on its way
        browser.reads.set()
        await turn()
        assert len(taken) == 6
        await browser.end()

    run(visit())


def test_what_asks_for_a_developers_tools_is_left_out(limits, taken):
    async def visit():
        browser = Browser(limits)
        for message in (
            BackMsg(load_git_info=True),
            BackMsg(debug_shutdown_runtime=True),
            BackMsg(backend_operation_request={"install_skills": {}}),
            BackMsg(backend_operation_request={"dismiss_skills_nudge": {}}),
        ):
            browser.say(message.SerializeToString())
        browser.say()
        await turn()
        await browser.end()

    run(visit())
    assert taken == [RERUN]


def test_a_drop_of_too_many_files_is_told_to_its_tab(limits, monkeypatch):
    told = []
    monkeypatch.setattr(sockets, "_tell_tab", told.append)

    async def visit():
        browser = Browser(limits)
        request = {"file_names": ["x"] * (messages.MOST_FILES + 1), "session_id": "mine"}
        browser.say(BackMsg(file_urls_request=request).SerializeToString())
        await asyncio.wait_for(browser.task, 5)

    run(visit())
    assert told == ["mine"]


def test_a_tab_that_asks_for_its_page_again_and_again_is_ended(limits, taken):
    async def visit():
        browser = Browser(limits)
        for _ in range(sockets.RERUNS + 50):
            browser.say()
        await asyncio.wait_for(browser.task, 5)
        return browser.closed_with

    assert run(visit()) == [1002]
    assert sockets.RERUNS <= len(taken) < sockets.RERUNS + 50


def test_a_tab_that_sends_more_than_a_line_carries_waits(limits, taken, monkeypatch):
    waited = []

    async def sleep(seconds):
        waited.append(seconds)

    async def visit():
        browser = Browser(limits)
        turn_over = asyncio.sleep
        monkeypatch.setattr(sockets.asyncio, "sleep", sleep)
        for _ in range(3):
            photo = '{"data": "' + "x" * (sockets.BYTES // 2) + '"}'
            browser.say(widgets(1, json_trigger_value=photo))
        for _ in range(50):
            await turn_over(0)
        await browser.end()

    run(visit())
    assert len(taken) == 3
    assert waited
    assert waited[-1] > 1


def widgets(count, **value):
    states = [{"id": str(number), **value} for number in range(count)]
    return BackMsg(rerun_script={"widget_states": {"widgets": states}}).SerializeToString()


def sent(**fields):
    return BackMsg(**fields).SerializeToString()


def drop(count, name="x" * 200):
    """What a browser says of the files of a drop."""
    one = {"file_id": "x" * 36, "name": name, "size": 1}
    return {"uploaded_file_info": [one] * count}


HOSTILE = {
    "names of files": files(2_000_000),
    "values of widgets": widgets(100_000),
    "more widgets than a page has": widgets(messages.MOST_WIDGETS + 1),
    "numbers": widgets(1, int_array_value={"data": range(200_000)}),
    "a long address": BackMsg(
        rerun_script=ClientState(query_string="x" * 20_001)
    ).SerializeToString(),
    "a long place": sent(rerun_script={"context_info": {"url": "x" * 40_001}}),
    "a long name of a part": sent(rerun_script={"fragment_id": "x" * 2_001}),
    "long hashes": sent(rerun_script={"cached_message_hashes": ["x" * 2_000] * 101}),
    "a long question": sent(
        backend_operation_request={"request_id": "x" * 2_001, "deferred_file": {}}
    ),
    "a long line": widgets(1, string_value="x" * 2_001),
    "lists within JSON": widgets(1, json_value="[" + "[]," * 50_000 + "0]"),
    "numbers within an event": widgets(1, json_trigger_value="[" + "0," * 50_000 + "0]"),
    "a long name": widgets(1, json_trigger_value='{"name": "' + "x" * 20_001 + '"}'),
    "a photograph that would stay": widgets(1, json_value='{"data": "' + "x" * 20_001 + '"}'),
    "bytes that would stay": widgets(1, bytes_value=bytes(20_001)),
    "long names of files": widgets(1, file_uploader_state_value=drop(10, name="x" * 500_000)),
    "a long name called data": widgets(
        1, json_trigger_value=r'{"name": "\"data\": \"' + "x" * 20_001 + '"}'
    ),
    "many quotes before it": widgets(
        1, json_trigger_value='"" ' * 20_001 + '"' + "x" * 20_001 + '"'
    ),
    "cut short": RERUN[:-1],
    "cut short where it is long": widgets(1, json_value="x" * 200_000)[:-1],
    "no protobuf": b"\x0f" * 300_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_messages_are_refused_before_anything_is_built_from_them(kind):
    with pytest.raises(messages.Refused):
        messages.read(HOSTILE[kind])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        RERUN,
        files(messages.MOST_FILES),
        widgets(messages.MOST_WIDGETS, double_array_value={"data": [0.5, 1.0]}),
        widgets(1, json_trigger_value='{"data": "' + "x" * 20_000_000 + '"}'),
        widgets(1, file_uploader_state_value=drop(5_000)),
        sent(
            rerun_script={
                "query_string": "x" * 20_000,
                "context_info": {"url": "x" * 20_100},
                "cached_message_hashes": ["x" * 64] * MOST_HELD,
            }
        ),
    ],
)
def test_what_browsers_send_is_read_as_it_is(data):
    assert messages.read(data).SerializeToString() == data


def test_parts_are_counted_as_protobuf_writes_them():
    message = BackMsg()
    state = message.rerun_script.widget_states.widgets.add(id="a")
    state.double_array_value.data.extend([1.0, 2.0])
    message.rerun_script.query_string = "x"
    data = memoryview(message.SerializeToString())
    # rerun_script, its two fields, the widget and its two, and the packed numbers' field and bytes
    assert messages.count_parts(data, BackMsg.DESCRIPTOR, 100) == 7 + 16


def test_the_log_says_that_a_connection_was_ended_and_not_whose(limits, caplog):
    async def visit():
        for _ in range(3):
            browser = Browser(limits, origin="http://other:1")
            await browser.task

    with caplog.at_level(logging.WARNING, "pages"):
        run(visit())
    assert len(caplog.records) <= 1
    assert all("other:1" not in record.getMessage() for record in caplog.records)
