"""The web server around the pages, as a hostile or a careless client meets it."""

import base64
import re
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.error import HTTPError

import pytest
from streamlit.proto.Common_pb2 import DoubleArray
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from pages.shared.photo_input import MAX_AS_IT_IS_BYTES
from tests.app_process import app_process
from tests.component_event import component_event
from tests.server import Faults, FileServer
from tests.websocket_client import Visitor
from tests.zips import zipped

MB = 2**20
PHOTO = "imagenet_16_251.jpg"


@pytest.fixture(scope="module")
def outside():
    """A proxy on the way to the world outside; it takes requests and answers none."""
    with FileServer({}, Faults(is_silent=True)) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def app(tmp_path_factory, outside):
    ways_out = {"http_proxy": outside.base, "https_proxy": outside.base, "no_proxy": ""}
    limits = {"TL_UPLOAD_VISIT_MB": "6"}
    with app_process(tmp_path_factory.mktemp("server"), **ways_out, **limits) as app:
        yield app
    assert "Traceback" not in app.log


@pytest.fixture(scope="module")
def photos(labelled):
    return [(f"{label}.jpg", data) for label, data in labelled]


def held_mb(app) -> float:
    """What Streamlit keeps of files that were sent."""
    text = app.get("/_stcore/metrics?families=cache_memory_bytes")
    return sum(map(float, re.findall(r"UploadedFileManager.*} (\d+)", text))) / MB


def test_foreign_websockets_are_refused_without_asking_outside_for_the_own_address(app, outside):
    stream = app.url.replace("http", "ws") + "/_stcore/stream"

    def knock(number: int) -> int:
        with pytest.raises(InvalidStatus) as refused:
            connect(stream, origin=Origin(f"http://other{number}.example"), proxy=None)
        return refused.value.response.status_code

    with ThreadPoolExecutor(10) as pool:
        knocks = [pool.submit(knock, number) for number in range(10)]
        start = time.monotonic()
        assert app.get("/_stcore/health") == "ok"
        assert time.monotonic() - start < 1
        assert {done.result() for done in knocks} == {403}
    assert outside.exchanges == []  # nor did the start ask


def test_class_mates_reach_the_lab_under_the_address_it_has_for_them(app):
    port = int(app.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as line:
        seen = f"192.168.7.7:{port}"
        with connect(f"ws://{seen}/_stcore/stream", origin=f"http://{seen}", sock=line):
            pass


def test_a_photograph_travels_in_a_message_and_takes_no_place_among_the_uploads(app, photos):
    with Visitor(app.url).open("backbones") as visitor:
        data = base64.b64encode(photos[16][1]).decode()
        visitor.tell_component("photo", "sent", {"number": 1, "data": data})
        assert held_mb(app) == 0
        visitor.wait_for("dalmatian")


def test_the_largest_file_that_travels_as_it_is_fits_into_a_message(app):
    with Visitor(app.url).open("backbones") as visitor:
        data = base64.b64encode(bytes(MAX_AS_IT_IS_BYTES)).decode()
        visitor.tell_component("photo", "sent", {"number": 1, "data": data})
        assert any("not a photograph that the lab can read" in text for text in visitor.texts)


def test_photographs_for_a_box_take_no_place_among_the_uploads(app, photos):
    with Visitor(app.url).open("teach") as visitor:
        sent = [
            {"number": number, "name": name, "data": base64.b64encode(data).decode()}
            for number, (name, data) in enumerate([*photos[:2], ("no.jpg", b"<html>")], start=1)
        ]
        visitor.tell_component("photos_0", "sent", {"number": 3, "photos": sent})
        assert held_mb(app) == 0
        assert any("2 of 4" in text for text in visitor.texts)
        assert any("Left out: no.jpg" in text for text in visitor.texts)


def test_a_dropped_zip_is_let_go_once_it_is_taken(app, photos):
    packed = zipped((f"{'ab'[n % 2]}/{n}.jpg", data) for n, (_name, data) in enumerate(photos[:4]))
    with Visitor(app.url).open("teach") as visitor:
        assert visitor.drop("upload_zip", [("set.zip", packed)]) == [204]
        assert held_mb(app) == 0
        while sum("2 of 4" in text for text in visitor.texts) != 2:
            visitor.poll()


def test_a_tab_whose_files_were_too_much_says_so_once(app):
    with Visitor(app.url).open() as visitor:
        (url,) = visitor.ask_for_urls(["a"])
        assert visitor.put(url, "x", bytes(7 * MB)) == 413
        assert any("too much at once" in text for text in visitor.poll().texts)
        assert not any("too much at once" in text for text in visitor.poll().texts)


def test_a_visitor_who_clears_streamlits_caches_leaves_the_lab_to_everybody(app, photos):
    sent = {"number": 1, "data": base64.b64encode(photos[0][1]).decode()}
    with Visitor(app.url).open() as careless, Visitor(app.url).open("backbones") as other:
        other.tell_component("photo", "sent", sent)
        while not any("your photograph" in text for text in other.texts):
            other.poll()
        careless.tell(clear_cache=True)
        careless.open()  # a new visit, since that cleared its session too
        assert any("your photograph" in text for text in other.open("backbones").texts)
        assert other.errors == []


def test_the_log_has_a_line_for_each_run_and_nothing_about_its_visitor(app, photos):
    files = [(b"no photograph", "a/secret-bad")]
    files += [(data, f"{'ab'[n % 2]}/secret-{n}") for n, (_name, data) in enumerate(photos[:4])]
    packed = zipped((f"secret-class-{name}.jpg", data) for data, name in files)
    with Visitor(app.url).open("teach") as visitor:
        sent = [
            {"number": 1, "name": "secret-name.jpg", "data": base64.b64encode(data).decode()}
            for data in (photos[0][1], b"no photograph")
        ]
        visitor.tell_component("photos_0", "sent", {"number": 1, "photos": sent})
        visitor.drop("upload_zip", [("secret-set.zip", packed)])
        while not any("secret-class-a" in text for text in visitor.texts):
            visitor.poll()
        visitor.drop("upload_zip", [("secret-half.zip", packed[:500])])
        visitor.press("start")
        while "FineTune" not in app.log:
            visitor.poll()
    assert re.search(r" INFO .*: PreviewData of own: done, ", app.log)
    assert re.search(
        r"^[-0-9]+ [:,0-9]+ INFO tl_core\S+: FineTune of efficientnet_lite0: done, "
        r"step \d+ of \d+, [.0-9]+ s$",
        app.log,
        re.MULTILINE,
    )
    for private in ("secret", "127.0.0.1", "::1", "sha256", "Traceback"):
        assert private not in app.log


def test_a_second_signal_ends_the_process_at_once_whoever_is_in_mid_run(tmp_path):
    with ExitStack() as tabs, app_process(tmp_path, TL_END_S="600") as app:
        for _ in range(4):
            visitor = tabs.enter_context(Visitor(app.url).open("ideal", "steps=1024"))
            visitor.press("start")
        app.process.terminate()
        with pytest.raises(HTTPError, match="503"):
            while True:
                app.get("/ready")
        visitor.poll()
        assert app.process.poll() is None
        app.process.send_signal(signal.SIGINT)
        status = app.process.wait(20)
    assert "IdealImage of efficientnet_lite0: cancelled" in app.log
    assert status == 0
    assert "terminate called" not in app.log
    assert "Traceback" not in app.log
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in files if path.parent.name not in ("checked", "precision")] == [
        tmp_path / "log"
    ]


def test_a_client_that_never_finishes_does_not_keep_the_server_from_ending(tmp_path):
    with app_process(tmp_path, TL_END_S="600") as app:  # and nothing runs
        port = int(app.url.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(
                b"PUT /_stcore/upload_file/a/b HTTP/1.1\r\nHost: lab\r\nContent-Length: 9\r\n\r\n"
            )
            assert app.get("/ready") == "ok"  # so the server has read the line before
            app.process.send_signal(signal.SIGINT)
            assert app.process.wait(10) == 0
    assert "Traceback" not in app.log


def test_a_widget_that_moves_as_an_older_visit_comes_back_ends_in_no_error(app):
    with Visitor(app.url).open("attack") as before:
        code = before.code
    with Visitor(app.url).open("attack") as tab:
        widgets = [
            WidgetState(id=tab.widgets[key], double_array_value=DoubleArray(data=[3]))
            for key in ("epsilon", "steps", "confidence")
        ]
        wanted = {"code": code, "address": ""}
        tab._run([component_event(tab.widgets["resume"], "wanted", wanted), *widgets])
        assert tab.code == code
        assert "Fool it" in " ".join(tab.texts)
    assert "Traceback" not in app.log
