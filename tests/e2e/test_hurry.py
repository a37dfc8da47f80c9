"""A visitor in a hurry or on a slow network, who asks for more before the answer has come."""

from shutil import copytree

import pytest

from tests.app_process import ROOT, app_process
from tests.websocket_client import Visitor

pytestmark = pytest.mark.browser

SLOW_PAGE = """
import time, streamlit as st
print("begins", flush=True)
time.sleep(0.2)
print("ends", flush=True)
st.title("Slow")
"""


def test_one_run_of_a_page_ends_before_the_next_begins(tmp_path):
    copytree(ROOT / ".streamlit", tmp_path / ".streamlit")
    (tmp_path / "streamlit_app.py").write_text(SLOW_PAGE)
    with app_process(tmp_path, root=tmp_path) as app, Visitor(app.url) as visitor:
        visitor.open()
        for _ in range(3):
            visitor.send(visitor.request())
        visitor.open()
        said = [line for line in app.log.splitlines() if line in ("begins", "ends")]
    assert len(said) >= 4
    assert set(said[::2]) == {"begins"}
    assert set(said[1::2]) == {"ends"}


def test_a_page_is_drawn_that_was_asked_for_before_the_last_one_had_come(app):
    with Visitor(app.url) as visitor:
        visitor.open("attack").poll().poll().poll()
        back = visitor.request()
        visitor.open()
        visitor.send(back)
        assert visitor.wait_for("Fool it")
