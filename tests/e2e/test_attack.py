import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.test_first_path import drop

pytestmark = pytest.mark.browser


def test_a_dropped_dog_becomes_a_cat_and_its_download_is_still_one(page, app_url, labelled):
    label, data = labelled[0]
    assert label == 243
    page.set_viewport_size({"width": 1440, "height": 1400})
    page.goto(f"{app_url}/attack?steps=30")
    page.get_by_role("heading", name="Fool it").wait_for()
    page.locator(".st-key-before", has_text="dalmatian").first.wait_for()
    drop(page, "dog.jpg", data)
    page.locator(".st-key-before", has_text="bull mastiff").first.wait_for()
    page.locator(".st-key-start button").click()
    page.locator(".st-key-after", has_text="Siamese cat").wait_for()
    button = page.locator(".st-key-download button")
    expect(button).to_have_count(1)  # the last frame of the run has made room for the result
    with page.expect_download() as download:
        button.click()
    saved = Path(download.value.path()).read_bytes()
    page.goto(f"{app_url}/backbones")
    page.get_by_role("heading", name=re.compile("says: ")).wait_for()
    drop(page, "attacked.png", saved)
    page.get_by_role("heading", name=re.compile("says: Siamese cat")).wait_for()
