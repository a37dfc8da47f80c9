"""How the process ends: what runs may come to its end first, and visitors are told."""

import os
import subprocess
import sys
import urllib.error

import pytest

from tests.app_process import ROOT, app_process
from tests.websocket_client import Visitor


def problem(app) -> str:
    """What a proxy is told that asks whether the lab is ready."""
    with pytest.raises(urllib.error.HTTPError) as answer:
        while True:
            app.get("/ready")
    assert answer.value.code == 503
    return answer.value.read().decode()


def told(visitor) -> list[str]:
    """What every fragment of the page says now."""
    return [text for name in list(visitor.fragments) for text in visitor.poll_one(name).texts]


def test_on_sigterm_a_run_goes_on_to_its_end_and_nothing_new_starts(tmp_path):
    with (
        app_process(tmp_path, TL_END_S="300") as app,
        Visitor(app.url).open("ideal", "steps=1024") as ann,
        Visitor(app.url).open("ideal") as bob,
    ):
        ann.press("start")
        while not any("1 running" in text for text in told(ann)):
            pass
        app.process.terminate()
        while "press Ctrl+C again to end them now" not in app.log:
            assert app.process.poll() is None
        assert "The lab is about to restart. Current runs can go on for" in problem(app)
        assert any("about to restart" in text for text in told(bob))
        bob.press("start")
        assert any("can't start anything new" in text for text in bob.texts)
        bob.open("teach").wait_for("It says: tiger cat")  # a quick question
        assert app.process.poll() is None
        ann.press("stop")
        assert app.process.wait(60) == 0
    assert "IdealImage of efficientnet_lite0: cancelled, step" in app.log
    assert app.log.count("IdealImage") == 1
    assert "Traceback" not in app.log


def test_a_name_that_cannot_be_prepared_ends_the_start_in_a_sentence():
    done = subprocess.run(
        [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.headless", "true"],
        cwd=ROOT,
        env=os.environ | {"TL_PREPARE": "vgg16,vgg17", "STREAMLIT_SERVER_PORT": "0"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("TL_PREPARE names vgg17, but nothing has that name. Choose")
    assert len(done.stderr.splitlines()) == 1
