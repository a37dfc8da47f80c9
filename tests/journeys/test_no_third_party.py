"""The browser asks nobody but the lab's own server, whatever page is the first."""

import json
from urllib.parse import urlsplit

import pytest

from pages.shared.sitemap import ALL_PAGES, HOME
from tests.app_process import serve
from tests.chromium import CHROMIUM

pytestmark = pytest.mark.browser

OWN = ("localhost", "127.0.0.1", "")
# Chromium's own calls home, which have nothing to do with the page
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-features=AutofillServerCommunication,NetworkTimeServiceQuerying,"
    "OptimizationHints,MediaRouter,Translate",
    "--component-updater=url-source=http://localhost:9/",
    "--gaia-url=http://localhost:9",
)


def test_no_page_makes_the_browser_ask_another_server(chromium, tmp_path):
    log = tmp_path / "net.json"
    paths = [row.address for row in ALL_PAGES if row is not HOME]
    first = "feature_maps"  # a new server is asked for, not the front door
    asked = []
    with serve(tmp_path) as url:
        browser = chromium.browser_type.launch(
            executable_path=CHROMIUM, args=[*_QUIET, f"--log-net-log={log}"]
        )
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.on("request", lambda request: asked.append(request.url))
        for path in dict.fromkeys([first, "", *paths]):
            page.goto(f"{url}/{path}")
            page.get_by_role("heading", level=1).wait_for()
            page.wait_for_load_state("networkidle")
        browser.close()
    assert [address for address in asked if not _is_own(address)] == []
    assert looked_up(json.loads(log.read_text())) == set()


def _is_own(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme in ("data", "blob") or parts.hostname in OWN


def looked_up(log: dict) -> set[str]:
    """The names outside this machine that a page had Chromium ask a name server for.

    What Chromium asks for itself, such as its search engine, belongs to that site; what a page asks
    for belongs to the page's.
    """
    kind = log["constants"]["logEventTypes"]["HOST_RESOLVER_MANAGER_REQUEST"]
    found = [event.get("params", {}) for event in log["events"] if event["type"] == kind]
    return {
        str(asked["host"])
        for asked in found
        if "host" in asked
        and (urlsplit(asked["host"]).hostname or asked["host"]) not in OWN
        and urlsplit(asked["network_anonymization_key"].split()[0]).hostname in (*OWN, None)
    }
