from contextlib import contextmanager

import pytest

PATIENCE_MS = 90_000  # far beyond, so that a busy machine is no failure


@pytest.fixture(scope="session")
def profile(chromium, app_url):
    """A browser that has been at the lab before: it keeps scripts, but no tab's visit."""
    from playwright.sync_api import expect  # only where there is a browser

    expect.set_options(timeout=PATIENCE_MS)
    context = chromium.new_context()
    context.new_page().goto(f"{app_url}/ready")  # keeps the process with the compiled scripts
    yield context
    context.close()


@pytest.fixture(scope="session")
def open_tab(profile):
    """Opens a new visitor's tab, for as long as a ``with`` statement takes."""

    @contextmanager
    def opened(width=1440, height=900):
        page = profile.new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.set_default_timeout(PATIENCE_MS)
        yield page
        page.close()

    return opened


@pytest.fixture
def page(profile, open_tab):
    """A new visitor's tab."""
    with open_tab() as page:
        yield page
    profile.clear_permissions()
