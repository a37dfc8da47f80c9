"""Every page in both themes, as axe-core judges it: names, roles, contrast."""

from importlib.resources import files

import pytest

from pages.shared.sitemap import ALL_PAGES, HOME

pytestmark = pytest.mark.browser

WHOLE_PAGE = {"width": 1280, "height": 4000}  # axe judges no colours outside the window
_AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
# In charts axe only finds that it cannot know what lies behind each word, and takes seconds for it
_RUN = """axe.run({exclude: [[".js-plotly-plot svg"], [".vega-embed svg"]]},
                  {resultTypes: ["violations"]})"""
_IS_SETTLED = """() => !document.querySelector(
  "[data-test-script-state=running], [data-stale=true], [data-testid=stSkeleton]")"""
# no colour in between, and none of what Streamlit pales while a timer's run draws it anew
_IN_FULL_COLOUR = "* {transition: none !important} [data-stale=true] {opacity: 1 !important}"
_BACKGROUND = "getComputedStyle(document.querySelector('.stApp')).backgroundColor"


@pytest.fixture(scope="module")
def tall_tab(open_tab):
    """One tab for all pages."""
    with open_tab(**WHOLE_PAGE) as page:
        yield page


@pytest.mark.parametrize("row", ALL_PAGES, ids=lambda row: row.title)
def test_a_page_has_no_serious_fault_in_either_theme(tall_tab, app_url, row):
    name = row.address
    tall_tab.emulate_media(color_scheme="light")
    tall_tab.goto(f"{app_url}/{'' if row is HOME else name}")
    tall_tab.get_by_role("heading", level=1).wait_for()
    tall_tab.add_style_tag(content=_IN_FULL_COLOUR)
    tall_tab.evaluate(_AXE)
    light = tall_tab.evaluate(_BACKGROUND)
    assert lasting_faults(tall_tab) == []
    tall_tab.emulate_media(color_scheme="dark")
    tall_tab.wait_for_function(f"light => ({_BACKGROUND}) !== light", arg=light)
    assert lasting_faults(tall_tab) == []


def test_a_button_without_a_name_and_pale_words_are_serious_faults(page):
    page.set_content("<button></button><p style='background: white; color: #ccc'>pale</p>")
    page.evaluate(_AXE)
    rules = {fault.split(":")[0] for fault in serious_faults(page)}
    assert {"button-name", "color-contrast"} <= rules


def lasting_faults(page) -> list[str]:
    """The serious faults of a page that is drawn, which it also has when it is looked at again.

    A run that begins meanwhile pales an expander's name without any mark.
    """
    found: list[str] = []
    for _ in range(3):
        page.wait_for_function(_IS_SETTLED)
        found = serious_faults(page)
        if not found:
            break
    return found


def serious_faults(page) -> list[str]:
    """A line for each element with a fault that shuts somebody out; Streamlit's own has none."""
    return [
        f"{fault['id']}: {node['html']}: {node['failureSummary']}"
        for fault in page.evaluate(_RUN)["violations"]
        for node in fault["nodes"]
        if fault["impact"] in ("serious", "critical")
    ]
