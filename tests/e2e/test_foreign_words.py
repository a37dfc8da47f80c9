import pytest

from tests.model_files import of_raw_pixels

pytestmark = pytest.mark.browser

PICTURE = "![x](https://example.com/x.png) $x$ <b>"
LINK = "[click](https://example.com) :red[x] :material/face:"
LABEL = f"1. {PICTURE} {LINK} www.example.com a@example.com **bold** `code` :smile:"


def test_names_out_of_a_model_file_are_drawn_letter_by_letter_and_ask_nobody(page, app_url):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{app_url}/teach")
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_text("Load a model").click()
    file = {
        "name": "model.safetensors",
        "mimeType": "application/octet-stream",
        "buffer": of_raw_pixels(LABEL, (PICTURE, LINK)),
    }
    page.locator(".st-key-model_file input[type=file]").set_input_files(file)
    page.get_by_text("Your model says:").wait_for()
    page.get_by_role("link", name="Backbones").first.click()
    page.get_by_role("combobox", name="Backbone").click()
    page.get_by_role("option").filter(has_text="Your model:").click()
    heading = page.get_by_role("heading", name="says:")
    heading.filter(has_text="Your model").wait_for()
    words = heading.inner_text().replace("\u2060", "")
    assert words.startswith(f"Your model: {LABEL} says: ")
    assert words.endswith((PICTURE, LINK))
    assert page.locator("a[href*='example.com'], img[src*='example.com']").count() == 0
    assert not [url for url in asked if "example.com" in url]
