"""A small class: everybody is served, and served alike."""

from contextlib import ExitStack

import pytest

from tests.app_process import app_process
from tests.load.scenes import alike, play, warm_up
from tests.websocket_client import Visitor

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    with app_process(tmp_path_factory.mktemp("class")) as app:
        warm_up(app.url)
        yield app
        assert "Traceback" not in app.log


def test_four_pictures_grow_together_and_another_page_answers(app):
    figures = play("4", app, alike(app.url, 4), seconds=15)
    assert figures.slowest > 0
    assert figures.fastest < 2 * figures.slowest + 1
    assert figures.answer_p95_s > 0


def test_where_many_runs_are_under_way_those_who_came_first_are_polled_less_often_too(app):
    with ExitStack() as tabs:
        visitors = [tabs.enter_context(Visitor(app.url)).open("ideal", "steps=1024")]
        first = visitors[0].press("start")
        alone_s = min(first.fragments.values())
        for _ in range(4):
            visitors.append(tabs.enter_context(Visitor(app.url)).open("ideal", "steps=1024"))
            visitors[-1].press("start")
        first.poll()
        assert min(first.fragments.values()) > alone_s
