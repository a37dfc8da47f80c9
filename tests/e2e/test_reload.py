"""A browser tab that is reloaded goes on with its visit; a copy of it begins one of its own."""

import re

import pytest

pytestmark = pytest.mark.browser

_CODE = "sessionStorage.getItem('transfer-learning-lab-visit')"
_STEP = re.compile(r"step ([1-9]\d*) of (\d+)")
# Streamlit's own socket, with what the page says to the server
_LISTEN = """
window.sent = [];
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (data) {
  if (data instanceof Uint8Array) window.sent.push(new TextDecoder().decode(data));
  return send.call(this, data);
};
"""
# Where a page waits before it asks again, it waits a tenth of it
_SOON = """
const later = window.setTimeout;
window.setTimeout = (call, wait, ...rest) => later(call, wait / 10, ...rest);
"""
# The server knows nothing of who connects again, as after minutes without a connection
_CUT_OFF = """
const Socket = WebSocket;
window.sockets = [];
window.WebSocket = class extends Socket {
  constructor(url, protocols) {
    super(url, protocols.slice(0, window.sockets.length ? 2 : 3));
    window.sockets.push(this);
  }
};
"""


def code_of(page):
    """The code of the visit that the tab has kept, once it has kept one."""
    page.wait_for_function(f"() => {_CODE}")
    return page.evaluate(_CODE)


def step_of(page):
    """How far the picture on the page is."""
    return int(_STEP.search(page.get_by_text(_STEP).first.inner_text())[1])


def wait_beyond(page, step):
    """Wait until the picture on the page is further than that."""
    words = "[...document.body.innerText.matchAll(/step (\\d+) of/g)]"
    page.wait_for_function(f"step => {words}.some((found) => +found[1] > step)", arg=step)


def start_a_picture(page, app):
    """A long run on the page of the ideal image, which has begun."""
    page.set_viewport_size({"width": 1440, "height": 1600})
    page.goto(f"{app.url}/ideal?steps=1024")
    page.locator(".st-key-start button").click()
    page.get_by_text(_STEP).first.wait_for()


def questions(page):
    """How often the page has asked for an older visit."""
    return page.evaluate("window.sent.filter((text) => text.includes('wanted')).length")


def wait_for_a_question(page):
    """Wait until the page has asked for an older visit."""
    page.wait_for_function("() => window.sent.some((text) => text.includes('wanted'))")


def test_a_reloaded_tab_goes_on_and_a_copy_of_it_gets_a_visit_of_its_own(page, app):
    start_a_picture(page, app)
    code = code_of(page)
    copy = page.context.new_page()
    copy.add_init_script(_SOON)
    copy.add_init_script(
        f"if (!{_CODE}) sessionStorage.setItem('transfer-learning-lab-visit', '{code}')"
    )
    copy.goto(f"{app.url}/ideal")
    copy.wait_for_function(f"code => {_CODE} !== code", arg=code)
    assert copy.locator(".st-key-stop").count() == 0
    own = code_of(copy)
    for tab in (copy, page):
        before = step_of(page)
        tab.reload()
        tab.get_by_role("heading", name="Ideal image").wait_for()
    page.locator(".st-key-stop button").wait_for()
    page.get_by_text(_STEP).first.wait_for()
    assert step_of(page) > before
    assert (code_of(page), code_of(copy)) == (code, own)
    copy.close()
    wait_beyond(page, step_of(page))
    page.reload()
    page.locator(".st-key-stop button").click()
    page.locator(".st-key-stop button").wait_for(state="detached")
    page.get_by_role("heading", name="Your gallery").wait_for()


def test_a_picture_goes_on_after_a_lost_connection_of_which_the_server_knows_nothing(page, app):
    page.add_init_script(_CUT_OFF + _LISTEN)
    start_a_picture(page, app)
    code = code_of(page)
    page.evaluate("window.sockets[0].close()")
    wait_for_a_question(page)
    wait_beyond(page, step_of(page))
    assert page.evaluate("window.sockets.length") > 1
    assert code_of(page) == code
    page.locator(".st-key-stop button").click()
    page.locator(".st-key-stop button").wait_for(state="detached")


def test_boxes_keep_their_photographs_over_a_reload(page, app, labelled):
    page.goto(f"{app.url}/teach")
    files = [
        {"name": f"{place}.jpg", "mimeType": "image/jpeg", "buffer": data}
        for place, (_label, data) in enumerate(labelled[:3])
    ]
    zone = page.locator(".st-key-photos_0 input.file")
    zone.set_input_files(files[:2])
    page.get_by_text("2 of 4").wait_for()
    page.reload()
    page.get_by_text("2 of 4").wait_for()
    zone.set_input_files(files[2:])
    page.get_by_text("3 of 4").wait_for()


def test_only_a_reload_asks_for_a_visit_and_its_code_is_in_no_address_no_page_and_no_log(page, app):
    addresses = []
    page.on("request", lambda request: addresses.append(request.url))
    page.add_init_script(_LISTEN)
    page.goto(app.url)
    code = code_of(page)
    page.get_by_test_id("stTopNavLink").filter(has_text="Ideal image").click()
    page.get_by_role("heading", name="Ideal image").wait_for()
    assert page.evaluate("window.sent.length") > 0
    assert questions(page) == 0
    page.reload()
    wait_for_a_question(page)
    page.get_by_role("heading", name="Ideal image").wait_for()
    page.get_by_test_id("stTopNavLink").filter(has_text="Home").click()
    page.get_by_text("What you can do here").wait_for()
    assert questions(page) == 1
    assert code_of(page) == code
    assert addresses
    assert not [address for address in [*addresses, page.url] if code in address]
    assert code not in page.content()
    assert code not in app.log


def test_a_code_that_nobody_has_begins_a_new_visit_without_an_error(page, app):
    page.add_init_script(
        f"if (!{_CODE}) sessionStorage.setItem('transfer-learning-lab-visit', 'no such code')"
    )
    page.goto(app.url)
    page.wait_for_function(f"() => {_CODE} !== 'no such code'")
    assert page.get_by_test_id("stAlert").count() == 0
    assert len(code_of(page)) >= 43


def test_a_browser_that_keeps_nothing_shows_every_page_all_the_same(page, app):
    page.add_init_script(
        "Object.defineProperty(window, 'sessionStorage', {get() { throw new DOMException(''); }})"
    )
    page.goto(app.url)
    page.get_by_text("What you can do here").wait_for()
    assert page.get_by_test_id("stException").count() == 0
    assert page.get_by_test_id("stAlert").count() == 0


def test_a_link_opened_over_a_run_says_so_and_takes_its_place_on_one_press(page, app):
    start_a_picture(page, app)
    page.reload()
    page.locator(".st-key-stop button").wait_for()
    assert page.locator(".st-key-open_link").count() == 0
    page.goto(f"{app.url}/ideal?steps=64&version=1")
    page.locator(".st-key-open_link button").click()
    page.locator(".st-key-start button").wait_for()
    assert "steps=64" in page.url


def test_a_page_without_a_network_says_so_until_it_is_back(page, app_url):
    page.goto(f"{app_url}/glossary")
    line = page.locator("#offline")
    line.wait_for(state="attached")
    page.context.set_offline(True)
    line.wait_for()
    page.context.set_offline(False)
    line.wait_for(state="hidden")
