"""Back and Forward go from page to page: a choice on a page is no step of its own."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.test_reload import _CODE, _CUT_OFF

pytestmark = pytest.mark.browser


def more_epsilon(page, levels):
    """Move *Fool it*'s epsilon a step up, with the keyboard; wait until the address says so."""
    page.locator(".st-key-epsilon input[type=range]").press("ArrowRight")
    expect(page).to_have_url(re.compile(rf"/attack\?.*\bepsilon={levels}\b"))


def test_one_press_of_back_leaves_a_page_whatever_was_chosen_on_it(page, app):
    page.goto(f"{app.url}/backbones")
    page.locator(".st-key-close_chapter button").first.click()  # what epsilon answers is uncovered
    page.locator(".st-key-chapter").wait_for(state="detached")
    page.get_by_role("link", name="Fool it").first.click()
    page.get_by_role("heading", name="Fool it").wait_for()
    for levels in (2, 4, 8):
        more_epsilon(page, levels)
    page.go_back()
    page.get_by_role("heading", name="Backbones").wait_for()
    expect(page).to_have_url(re.compile("/backbones"))
    page.go_forward()
    page.get_by_role("heading", name="Fool it").wait_for()
    expect(page).to_have_url(re.compile("epsilon=8"))
    expect(page.locator(".st-key-epsilon input[type=range]")).to_have_attribute(
        "aria-valuetext", "8"
    )


def test_a_page_that_another_one_opens_is_one_step_too(page, app):
    page.goto(f"{app.url}/?version=1")
    page.locator(".st-key-way_teach button").click()
    page.get_by_role("heading", name="Teach it").wait_for()
    page.go_back()
    page.locator(".st-key-way_teach").wait_for()
    assert page.evaluate("history.length") == 3  # the empty tab, Home, Teach it


def test_choices_outlast_a_server_that_has_forgotten_the_visit(page, app):
    page.add_init_script(_CUT_OFF)
    page.goto(f"{app.url}/attack?epsilon=4&questions=0&version=1")
    page.wait_for_function(f"() => {_CODE}")
    more_epsilon(page, 8)
    page.evaluate("sessionStorage.setItem('transfer-learning-lab-visit', 'of another server')")
    page.evaluate("window.sockets[0].close()")
    page.wait_for_function(f"() => {_CODE} !== 'of another server'")
    expect(page.locator(".st-key-epsilon input[type=range]")).to_have_attribute(
        "aria-valuetext", "8"
    )
    expect(page).to_have_url(re.compile("epsilon=8"))
