"""How the server starts, what it says of itself, and when it is ready or full."""

import socket
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from streamlit import config

from pages.server import addresses, open_files, process_state
from pages.server.app import _start, ready
from pages.server.compat.options import set_options
from tests.app.conftest import run
from tl_core.errors import UserError
from tl_core.machine.addresses import own_addresses
from tl_core.settings import COMMUNITY_CLOUD

ORIGINS = "client.allowedOrigins"


def test_the_server_is_ready_while_the_lab_is(monkeypatch):
    lab = SimpleNamespace(readiness=lambda: "")
    monkeypatch.setattr(process_state, "lab", lab)
    assert (ready(None).status_code, ready(None).body) == (200, b"ok")
    lab.readiness = lambda: "The worker hangs."
    assert (ready(None).status_code, ready(None).body) == (503, b"The worker hangs.")
    monkeypatch.setattr(process_state, "lab", None)
    assert ready(None).status_code == 200
    monkeypatch.setattr("pages.server.app.has_room", lambda: False)
    assert ready(None).status_code == 503


@pytest.mark.parametrize(
    ("error", "says"), [(UserError("TL_DEVICE is wrong."), "TL_DEVICE is"), (OSError(), "Its log")]
)
def test_a_server_whose_lab_cannot_start_is_not_ready(error, says, monkeypatch):
    def start():
        raise error

    monkeypatch.setattr(process_state, "lab", None)
    monkeypatch.setattr(process_state, "start_problem", "")
    _start(start)
    assert ready(None).status_code == 503
    assert says in ready(None).body.decode()


@pytest.fixture
def options_as_before(monkeypatch):
    """Options of Streamlit's to change; nobody is asked for this machine's address."""
    monkeypatch.setattr("streamlit.net_util.get_external_ip", None)
    before = config.get_option(ORIGINS)
    yield
    config.set_option(ORIGINS, before, config.ConfigOption.DEFAULT_DEFINITION)


@pytest.mark.usefixtures("options_as_before")
@pytest.mark.parametrize(
    ("script", "is_framed"),
    [(COMMUNITY_CLOUD / "lab/streamlit_app.py", True), (Path("lab/app.py"), False)],
)
def test_community_cloud_may_frame_the_lab_and_nobody_else(script, is_framed):
    set_options(script)
    assert bool(config.get_option(ORIGINS)) is is_framed


@pytest.mark.usefixtures("options_as_before")
def test_an_owners_own_choice_of_origins_stays():
    config.set_option(ORIGINS, ["https://school.example"])
    set_options(Path("lab/app.py"))
    assert config.get_option(ORIGINS) == ["https://school.example"]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 503), ("/teach", 503), ("/ready", 200), ("/static/a.js", 200), ("/_stcore/health", 200)],
)
def test_where_no_files_are_left_a_new_page_is_refused_in_words_and_open_tabs_go_on(
    monkeypatch, path, status
):
    monkeypatch.setattr(open_files.resource, "getrlimit", lambda _kind: (60, 60))
    sent = []

    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": path, "method": "GET", "headers": []}
    run(open_files.RoomForTabs(app)(scope, None, send))
    assert sent[0]["status"] == status
    assert (b"The lab is full" in sent[-1].get("body", b"")) == (status == 503)


@pytest.mark.parametrize(("soft", "hard", "after"), [(1024, 4096, 4096), (1024, -1, 65_536)])
def test_the_limit_on_open_files_is_raised_as_far_as_the_system_allows(
    monkeypatch, soft, hard, after
):
    found = []
    monkeypatch.setattr(open_files.resource, "getrlimit", lambda _kind: (soft, hard))
    monkeypatch.setattr(open_files.resource, "setrlimit", lambda _kind, new: found.append(new))
    open_files.raise_limit()
    assert found == [(after, hard)]


@pytest.fixture
def networks(monkeypatch):
    """Sets the addresses of this machine, by interface; those called ``off`` are down."""

    def set_to(found):
        listed = {
            name: [SimpleNamespace(family=socket.AF_INET, address=address)]
            for name, address in found.items()
        }
        states = {name: SimpleNamespace(isup=name != "off") for name in found}
        monkeypatch.setattr(psutil, "net_if_addrs", lambda: listed)
        monkeypatch.setattr(psutil, "net_if_stats", lambda: states)

    return set_to


@pytest.mark.parametrize(
    ("found", "usable"),
    [
        ({"lo": "127.0.0.1"}, []),
        (
            {"lo": "127.0.0.1", "eth0": "10.1.2.3", "wlan0": "192.168.0.4"},
            ["10.1.2.3", "192.168.0.4"],
        ),
        (
            {"eth0": "10.1.2.3", "docker0": "172.17.0.1", "br-1f": "172.18.0.1", "off": "10.9.9.9"},
            ["10.1.2.3"],
        ),
        ({"eth0": "169.254.1.2", "wlan0": "192.168.0.4"}, ["192.168.0.4"]),
        ({"eth0": "169.254.1.2"}, ["169.254.1.2"]),
    ],
)
def test_every_address_is_told_that_another_computer_may_reach(networks, found, usable):
    networks(found)
    assert own_addresses() == usable


@pytest.mark.parametrize(
    ("options", "urls", "says_cameras"),
    [
        ({}, ["http://10.1.2.3:8501", "http://192.168.0.4:8501"], True),
        (
            {"server.address": "0.0.0.0", "server.baseUrlPath": "lab"},
            ["http://10.1.2.3:8501/lab", "http://192.168.0.4:8501/lab"],
            True,
        ),
        (
            {"server.address": "192.168.0.4", "server.sslCertFile": "c.pem"},
            ["https://192.168.0.4:8501"],
            False,
        ),
        ({"server.address": "localhost"}, [], False),
        ({"server.address": "127.0.0.1"}, [], False),
    ],
)
def test_the_start_says_where_the_lab_is_and_what_cameras_need(
    networks, monkeypatch, options, urls, says_cameras
):
    networks({"lo": "127.0.0.1", "eth0": "10.1.2.3", "wlan0": "192.168.0.4"})
    option = config.get_option
    monkeypatch.setattr(config, "get_option", lambda name: options.get(name, option(name)))
    said = addresses.announcement()
    assert [word for word in said.split() if word.startswith("http") and ":" in word] == urls
    assert ("--server.sslCertFile" in said) == says_cameras
