"""A random visitor in a real browser finds nothing that no visitor may ever see."""

import pytest

from tests.journeys.browser import explore

pytestmark = pytest.mark.browser


def test_a_visitor_with_mouse_and_keyboard_meets_no_error_page(chromium, app):
    explore(chromium, app.url, app.folder / "log", seed=1, steps=20)
