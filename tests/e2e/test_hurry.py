"""A visitor in a hurry or on a slow network, who asks for more before the answer has come."""

from shutil import copytree

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

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


def asking_for(visitor: Visitor, page: str) -> bytes:
    """A whole page, asked for as a tab does that holds what it holds now."""
    message = BackMsg()
    message.rerun_script.page_name = page
    message.rerun_script.context_info.url = visitor.url
    message.rerun_script.cached_message_hashes.extend(visitor.cache.kept)
    return message.SerializeToString()


def test_one_run_of_a_page_ends_before_the_next_begins(tmp_path):
    copytree(ROOT / ".streamlit", tmp_path / ".streamlit")
    (tmp_path / "streamlit_app.py").write_text(SLOW_PAGE)
    with app_process(tmp_path, root=tmp_path) as app, Visitor(app.url) as visitor:
        visitor.open()
        for _ in range(3):
            visitor.send(asking_for(visitor, ""))
        visitor.open()
        said = [line for line in app.log.splitlines() if line in ("begins", "ends")]
    assert said == ["begins", "ends"] * (len(said) // 2)
    assert len(said) >= 4


def test_a_page_is_drawn_that_was_asked_for_before_the_last_one_had_come(app):
    with Visitor(app.url) as visitor:
        visitor.open("attack").poll().poll().poll()
        back = asking_for(visitor, "attack")
        visitor.open()
        visitor.send(back)
        assert visitor.wait_for("Fool it")
