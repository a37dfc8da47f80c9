"""The web server around the pages, as a hostile or a careless client meets it."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.app_process import app_process
from tests.server import Faults, FileServer

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


def test_no_other_page_gives_the_lab_orders(app):
    assert json.loads(app.get("/_stcore/host-config"))["allowedOrigins"] == []


def test_a_server_without_a_lab_yet_is_ready(app):
    assert app.get("/ready") == "ok"


def test_foreign_websockets_are_refused_without_asking_outside_for_the_own_address(app, outside):
    stream = app.url.replace("http", "ws") + "/_stcore/stream"

    def knock(number: int) -> int:
        with pytest.raises(InvalidStatus) as refused:
            connect(stream, origin=f"http://other{number}.example", proxy=None)
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
