"""The experiments on training tricks, and the shortcut, as a visitor meets them."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_an_experiment_is_opened_guessed_and_answered_on_a_phone(page, app_url):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app_url}/tricks")
    page.get_by_role("link", name="SGD with and without momentum").click()
    page.get_by_text("Experiment: momentum").wait_for()
    page.get_by_role("button", name="without momentum").click()
    page.get_by_text("Your guess: without momentum.").wait_for()
    page.get_by_role("button", name="Start both").click()
    page.get_by_role("heading", name="What happened").wait_for()
    lines = page.locator(".ways").first
    expect(lines).to_contain_text(re.compile("without momentum.*momentum 0.9", re.S))
    page.get_by_role("link", name="Next: Training tricks").click()
    page.get_by_text("You guessed without momentum.").wait_for()


def test_a_shortcut_is_repaired_in_view_and_a_digit_on_another_background_asked_why(page, app_url):
    page.goto(f"{app_url}/teach?dataset=coloured_digits&mode=pixels")
    page.locator(".st-key-start button").click()
    page.get_by_role("heading", name=re.compile("other backgrounds")).wait_for()
    page.get_by_role("button", name="Repair it: all on grey").wait_for()
    page.get_by_role("button", name="Repair it: random backgrounds").click()
    page.wait_for_function("document.querySelector('[data-testid=stMain]').scrollTop === 0")
    page.get_by_text("No sign of a shortcut").wait_for()
    page.locator("[class*='st-key-why_test_1'] button").first.click()
    page.get_by_role("heading", name="Why?", exact=True).wait_for()
    model = page.get_by_role("combobox", name="Backbone")
    expect(model).to_have_value(re.compile("^Your model: .* raw pixels"))
