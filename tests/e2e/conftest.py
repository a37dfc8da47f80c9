import pytest


@pytest.fixture
def page(chromium):
    """A new visitor's tab."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(30_000)
    yield page
    context.close()
