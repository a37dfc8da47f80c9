"""Visitors who mean ill, over a real server: their tab ends, and nothing of them stays."""

from contextlib import ExitStack

import psutil
import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.app_process import app_process
from tests.component_event import component_event
from tests.load.hostile import files_request, frame_head, websocket_line
from tests.websocket_client import Visitor

MB = 2**20


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    with app_process(tmp_path_factory.mktemp("hostile"), TL_PROFILE="cloud") as app:
        with Visitor(app.url) as first:
            first.open("backbones").wait_for(" says: ")
        yield app
    assert "Traceback" not in app.log


def memory_mb(app) -> float:
    return psutil.Process(app.process.pid).memory_info().rss / MB


def test_a_request_for_the_addresses_of_two_million_files_ends_its_tab_and_leaves_nothing(app):
    before = memory_mb(app)
    with Visitor(app.url).open() as visitor:
        visitor.send(files_request(visitor.session, 2_000_000))
        with pytest.raises(ConnectionClosed):
            visitor.wait_until_closed(30)
    assert memory_mb(app) - before < 100


def test_a_message_larger_than_any_page_sends_is_refused_when_it_begins(app):
    before = memory_mb(app)
    with ExitStack() as stack:
        lines = [stack.enter_context(websocket_line(app)) for _ in range(4)]
        for line in lines:
            line.sendall(frame_head(150 * MB))
            answer = b""
            while b"\x03\xf1" not in answer:  # 1009: too large
                answer += line.recv(4096)
                assert answer
    assert memory_mb(app) - before < 100


def test_a_page_of_the_same_name_on_another_port_is_refused(app):
    with pytest.raises(InvalidStatus) as refused:
        Visitor(app.url, origin="http://localhost:3000")
    assert refused.value.response.status_code == 403


def test_a_drop_of_too_many_files_is_told_to_its_tab_when_it_is_back(app):
    with Visitor(app.url).open() as visitor:
        visitor.send(files_request(visitor.session, 9_000))
        with pytest.raises(ConnectionClosed):
            visitor.wait_until_closed(30)
        with Visitor(app.url, again=visitor.session) as back:
            assert any("too much at once" in text for text in back.open().texts)


WRONG = ["x", 7, -1, True, [], {}, [7], {"held": True}, {"held": 1, "photos": 7}, "x" * 5000]
WRONG += [{"held": True, "photos": [shot]} for shot in (7, {}, {"number": "x"})]
WRONG += [
    {"held": True, "photos": [{"number": 1.5, "name": None, "data": 3, "burst": 1}]},
    {"number": 10**30, "held": 2, "photos": [{"number": 10**30, "name": "", "data": "%%%"}]},
]
EVENTS = [
    ("feature_maps", "mosaic_left", "picked"),
    ("backbones", "photo", "sent"),
    ("", "resume", "wanted"),
    ("teach", "photos_0", "sent"),
    ("teach", "photos_0", "removed"),
    ("teach", "photos_0", "emptied"),
    ("teach", "panes_bar", "opened"),
    ("ideal?present=1", "presenter", "turned"),
]


@pytest.mark.parametrize(("page", "key", "event"), EVENTS, ids=lambda value: str(value))
def test_what_no_component_sends_changes_nothing_and_shows_no_error(app, page, key, event):
    page, _, query = page.partition("?")
    with Visitor(app.url).open(page, query) as visitor:
        for value in WRONG:
            if key in visitor.widgets:
                visitor.tell_component(key, event, value)
                assert visitor.errors == []
        assert key in visitor.widgets
    assert "Traceback" not in app.log


SHAPES = {
    "an event that is none": {"json_trigger_value": "[7, null]"},
    "events that are no list": {"json_trigger_value": '"x"'},
    "no JSON": {"json_trigger_value": "{"},
    "state": {"json_value": "["},
    "text": {"string_value": "x"},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_messages_of_components_have_a_shape(app, shape):
    with Visitor(app.url).open("backbones") as visitor:
        events = component_event(visitor.widgets["photo"], "sent", 1).id
        for widget in (events, visitor.widgets["photo"]):
            visitor.tell_widgets([WidgetState(id=widget, **SHAPES[shape])])
            assert visitor.errors == []


KINDS = {
    "bool_value": True,
    "double_value": float("nan"),
    "int_value": 2**53,
    "string_value": "x",
    "double_array_value": {"data": [float("inf"), -1.0]},
    "int_array_value": {"data": [-(2**53), 2]},
    "string_array_value": {"data": ["x", "y"]},
    "json_value": "[]",
    "bytes_value": b"x",
    "file_uploader_state_value": {"uploaded_file_info": [{"file_id": "x", "name": "x", "size": 1}]},
}


@pytest.mark.parametrize("page", ["", "backbones", "why", "teach", "ideal", "attack"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_widget_keeps_its_value_where_one_comes_that_it_cannot_have(app, page, kind):
    with Visitor(app.url).open(page) as visitor:
        states = [WidgetState(id=id_, **{kind: KINDS[kind]}) for id_ in visitor.widgets.values()]
        visitor.tell_widgets(states)
        assert visitor.errors == []
    assert "Traceback" not in app.log
