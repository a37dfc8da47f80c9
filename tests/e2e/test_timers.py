"""What a page's timers say of its widgets, which may be older than what was just set."""

from pathlib import Path

import pytest

from tests.app_process import ROOT, app_process

pytestmark = pytest.mark.browser


def test_what_a_fragments_button_sets_outside_it_outlasts_a_timers_older_message(page, tmp_path):
    folder = Path(__file__).parent / "timer"
    with app_process(tmp_path, root=folder, PYTHONPATH=str(ROOT)) as app:
        page.goto(app.url)
        page.get_by_role("heading", name="It is a").wait_for()
        page.get_by_role("button", name="Set b").click()
        page.get_by_role("heading", name="It is b").wait_for()
        assert "Traceback" not in app.log, app.log
        page.goto("about:blank")
