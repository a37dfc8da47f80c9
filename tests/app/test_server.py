"""The parts of the web server, without one."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit import config

from pages.server import served
from pages.server.app import ready
from pages.server.options import CLOUD, set_options


@pytest.fixture
def lab(monkeypatch):
    lab = SimpleNamespace(readiness=lambda: "")
    monkeypatch.setattr(served, "lab", lab)
    return lab


def test_the_server_is_ready_while_the_lab_is(lab, monkeypatch):
    assert (ready(None).status_code, ready(None).body) == (200, b"ok")
    lab.readiness = lambda: "The worker hangs."
    assert (ready(None).status_code, ready(None).body) == (503, b"The worker hangs.")
    monkeypatch.setattr(served, "lab", None)
    assert ready(None).status_code == 200


@pytest.mark.parametrize(
    ("script", "is_framed"), [(CLOUD / "lab/streamlit_app.py", True), (Path("lab/app.py"), False)]
)
def test_community_cloud_may_frame_the_lab_and_nobody_else(script, is_framed, monkeypatch):
    monkeypatch.setattr("streamlit.net_util.get_external_ip", None)
    before = config.get_option("client.allowedOrigins")
    try:
        set_options(script)
        assert bool(config.get_option("client.allowedOrigins")) is is_framed
    finally:
        config.set_option("client.allowedOrigins", before, config.ConfigOption.DEFAULT_DEFINITION)


def test_an_owners_own_choice_of_origins_stays(monkeypatch):
    monkeypatch.setattr("streamlit.net_util.get_external_ip", None)
    before = config.get_option("client.allowedOrigins")
    try:
        config.set_option("client.allowedOrigins", ["https://school.example"])
        set_options(Path("lab/app.py"))
        assert config.get_option("client.allowedOrigins") == ["https://school.example"]
    finally:
        config.set_option("client.allowedOrigins", before, config.ConfigOption.DEFAULT_DEFINITION)
