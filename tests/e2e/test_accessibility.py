"""Every page in both themes, as axe-core judges it: names, roles, contrast."""

from importlib.resources import files

import pytest

from pages.shared.sitemap import HOME, PAGES

pytestmark = pytest.mark.browser

WHOLE_PAGE = {"width": 1280, "height": 4000}  # axe judges no colours outside the window
_AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
# In charts axe only finds that it cannot know what lies behind each word, and takes seconds for it
_RUN = """axe.run({exclude: [[".js-plotly-plot svg"], [".vega-embed svg"]]},
                  {resultTypes: ["violations"]})"""
_IS_SETTLED = """() => !document.querySelector(
  "[data-test-script-state=running], [data-stale=true], [data-testid=stSkeleton]")"""


@pytest.fixture(scope="module", params=["light", "dark"])
def themed_page(open_tab, request):
    """One tab for all pages in a theme."""
    with open_tab(**WHOLE_PAGE) as page:
        page.emulate_media(color_scheme=request.param)
        yield page


@pytest.mark.parametrize("row", [HOME, *PAGES], ids=lambda row: row.title)
def test_a_page_has_no_serious_fault(themed_page, app_url, row):
    name = row.path.removeprefix("pages/").removesuffix(".py")
    themed_page.goto(f"{app_url}/{'' if row is HOME else name}")
    themed_page.get_by_role("heading", level=1).wait_for()
    themed_page.wait_for_function(_IS_SETTLED)
    assert serious_faults(themed_page) == []


def test_a_button_without_a_name_and_pale_words_are_serious_faults(page):
    page.set_content("<button></button><p style='background: white; color: #ccc'>pale</p>")
    rules = {fault.split(":")[0] for fault in serious_faults(page)}
    assert {"button-name", "color-contrast"} <= rules


def serious_faults(page) -> list[str]:
    """A line for each element with a fault that shuts somebody out; Streamlit's own has none."""
    page.evaluate(_AXE)
    return [
        f"{fault['id']}: {node['html']}: {node['failureSummary']}"
        for fault in page.evaluate(_RUN)["violations"]
        for node in fault["nodes"]
        if fault["impact"] in ("serious", "critical")
    ]
