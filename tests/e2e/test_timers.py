"""What a page's timers say of its widgets, which may be older than what was just set."""

from contextlib import suppress
from pathlib import Path

import pytest

from tests.app_process import ROOT, app_process

pytestmark = pytest.mark.browser

_CLICKS, _MET_MS = 5, 10_000  # a click may come between two messages of the timer


def test_what_a_fragments_button_sets_outside_it_outlasts_a_timers_older_message(page, tmp_path):
    from playwright.sync_api import TimeoutError

    folder = Path(__file__).parent / "timer"
    with app_process(tmp_path, root=folder, PYTHONPATH=str(ROOT)) as app:
        page.goto(app.url)
        page.get_by_role("heading", name="It is a").wait_for()
        is_set = page.get_by_role("heading", name="It is b")
        for _ in range(_CLICKS):
            page.get_by_role("button", name="Set b").click()
            with suppress(TimeoutError):
                is_set.wait_for(timeout=_MET_MS)
                break
        assert is_set.is_visible()
        assert "Traceback" not in app.log, app.log
        page.goto("about:blank")
