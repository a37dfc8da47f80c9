"""Four visitors for ten seconds: everybody is served, and served alike."""

import pytest

from tests.app_process import app_process
from tests.load.scenes import alike, play, warm_up

pytestmark = pytest.mark.slow


def test_four_pictures_grow_together_and_another_page_answers(tmp_path):
    with app_process(tmp_path) as app:
        warm_up(app.url)
        figures = play("4", app, alike(app.url, 4), seconds=10)
        assert "Traceback" not in app.log
    assert figures.slowest > 0
    assert figures.fastest < 2 * figures.slowest + 1
    assert figures.answer_p95_s > 0
