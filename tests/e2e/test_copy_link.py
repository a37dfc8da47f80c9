import pytest

pytestmark = pytest.mark.browser

CHOSEN = "attack?sample=sample%3Acoffee&epsilon=8"
_WITHOUT_CLIPBOARD = """
  Object.defineProperty(navigator, "clipboard", {value: undefined});
  document.addEventListener("copy", () => { window.copied = getSelection().toString(); });
"""


def opened(page, address: str) -> None:
    page.goto(address)
    page.locator(".st-key-subject").get_by_text("Cup of coffee", exact=True).wait_for()
    chosen = page.locator(".st-key-epsilon").get_by_text("8", exact=True)
    chosen.wait_for(state="attached")  # covered until the question is answered
    page.wait_for_url("**version=*")  # the page writes its settings into the address


def test_the_copied_link_shows_a_stranger_the_same_view(page, app_url, chromium):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened(page, f"{app_url}/{CHOSEN}")
    page.get_by_role("button", name="Copy link").click()
    page.get_by_role("status").get_by_text("Copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.url
    stranger = chromium.new_context()
    opened(stranger.new_page(), link)
    stranger.close()


def test_a_page_without_https_copies_too_and_the_remark_goes_away(page, app_url):
    page.add_init_script(_WITHOUT_CLIPBOARD)
    opened(page, f"{app_url}/{CHOSEN}")
    page.get_by_role("button", name="Copy link").click()
    remark = page.get_by_role("status").get_by_text("Copied")
    remark.wait_for()
    assert page.evaluate("window.copied") == page.url
    remark.wait_for(state="detached")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_remark_says_what_the_link_does_not_take_along(page, app_url, labelled, width):
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(f"{app_url}/backbones")
    dog = {"name": "dog.jpg", "mimeType": "image/jpeg", "buffer": labelled[16][1]}
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload").click()
    chooser.value.set_files(dog)
    page.locator(".st-key-photo img[alt='your photograph']").wait_for(state="attached")
    page.get_by_role("button", name="Copy link").click()
    remark = page.get_by_role("status").get_by_text("Your photograph stays with you")
    remark.wait_for()
    assert "sees “" in remark.inner_text()
    box = remark.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
