import re

import pytest

from tests.e2e.layout import wait_for_rest

pytestmark = pytest.mark.browser


def drop(page, name: str, data: bytes, *, zone: str = "") -> None:
    """Drop a file on the page, or on the drop zone of a widget, as a hand with a mouse does."""
    import base64

    transfer = page.evaluate_handle(
        """([name, base64]) => {
            const bytes = Uint8Array.from(atob(base64), c => c.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name, {type: "image/jpeg"}));
            return transfer;
        }""",
        [name, base64.b64encode(data).decode()],
    )
    if zone:
        target = page.locator(f"{zone} [data-testid=stFileUploaderDropzone]")
    else:
        page.locator(".st-key-photo .upload[aria-label]").wait_for()  # from then on it listens
        wait_for_rest(page)  # a hand that drags is slower than a visit that is brought back
        target = page.get_by_test_id("stMain")
    for event in ("dragenter", "dragover", "drop"):
        target.dispatch_event(event, {"dataTransfer": transfer})


def test_open_the_lab_drop_a_dog_and_read_its_label(page, app_url, labelled):
    page.goto(app_url)
    page.get_by_role("heading", name="Transfer Learning Lab").wait_for()
    page.get_by_role("button", name="Choose a network").click()
    page.get_by_role("heading", name=re.compile("says: .*cat")).wait_for()
    label, data = labelled[16]
    assert label == 251
    drop(page, "dog.jpg", data)
    page.get_by_role("heading", name=re.compile("says: dalmatian")).wait_for()


def test_the_backbone_stays_picked_from_page_to_page(page, app_url):
    page.goto(f"{app_url}/backbones?backbone=efficientnet_lite2")
    page.get_by_role("heading", name=re.compile("EfficientNet-Lite2 says")).wait_for()
    navigation = page.get_by_test_id("stTopNavLink")
    navigation.filter(has_text="Home").click()
    page.get_by_role("heading", name="Transfer Learning Lab").wait_for()
    navigation.filter(has_text="Backbones").click()
    page.get_by_role("heading", name=re.compile("EfficientNet-Lite2 says")).wait_for()


def test_another_page_begins_at_its_top(page, app_url):
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{app_url}/backbones")
    page.locator(".st-key-backbone_table").wait_for()
    page.locator(".st-key-backbone_table").scroll_into_view_if_needed()
    page.get_by_test_id("stTopNavLink").filter(has_text="Fool it").click()
    page.get_by_role("heading", name="Fool it", level=1).wait_for()
    page.wait_for_function("() => document.querySelector('[data-testid=stMain]').scrollTop === 0")
