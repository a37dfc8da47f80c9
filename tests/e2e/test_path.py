"""The whole path in every language, on a laptop and on a phone; leaves pictures of each step."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pages.languages import SOURCE, codes, language
from pages.shared.chapters import CHAPTERS, Chapter
from pages.shared.sitemap import ATTACK, ATTRIBUTION, BACKBONES, FEATURE_MAPS, IDEAL, PATH, TRAINING
from tests.e2e.layout import SIZES, no_sideways_scrolling, nothing_cut_off, wait_for_rest

pytestmark = pytest.mark.browser

_SHORT = "steps=10&photos_per_class=8"
_NEXT = ".st-key-chapter [data-testid=stPageLink] a"
_IS_CUT = "strip => strip.scrollHeight > strip.clientHeight + 1"
# Characters that the page's font draws as it draws one that no font has
_MISSING = """characters => {
  const canvas = new OffscreenCanvas(24, 24), pen = canvas.getContext("2d");
  pen.font = `20px ${getComputedStyle(document.body).fontFamily}`;
  const drawn = character => {
    pen.clearRect(0, 0, 24, 24);
    pen.fillText(character, 2, 20);
    return pen.getImageData(0, 0, 24, 24).data.join();
  };
  const nothing = drawn("\\u{10ffff}");
  return [...characters].filter(character => drawn(character) === nothing);
}"""


def another_photograph(tab: Any) -> None:
    chosen = tab.locator(".st-key-photo-picker button[aria-checked=true]")
    tab.locator(".st-key-photos button").first.click()
    chosen.wait_for()
    tab.locator(".st-key-photo-picker button[aria-checked=false]").nth(4).click()
    tab.keyboard.press("Escape")


def last_layer(tab: Any) -> None:
    tab.locator(".st-key-layer input").focus()
    tab.keyboard.press("End")


def start_with_digits(tab: Any) -> None:
    tab.locator(".st-key-ready_set button").click()
    tab.locator(".st-key-start button:enabled").click()


def start(tab: Any) -> None:
    tab.locator(".st-key-start button:enabled").click()


ACTS: dict[str, Callable[[Any], None]] = {
    BACKBONES.address: another_photograph,
    FEATURE_MAPS.address: last_layer,
    ATTRIBUTION.address: another_photograph,
    TRAINING.address: start_with_digits,
    IDEAL.address: start,
    ATTACK.address: start,
}


@pytest.mark.parametrize(
    "code", [pytest.param(SOURCE, marks=pytest.mark.walk), *(c for c in codes() if c != SOURCE)]
)
def test_the_path_leads_from_home_through_six_guesses_to_the_quiz(page, app_url, tmp_path, code):
    words = language(code).words
    page.goto(f"{app_url}/?language={code}&{_SHORT}")
    page.get_by_test_id("stMain").get_by_text(words("What you can do here")).first.wait_for()
    page.get_by_test_id("stMain").locator("a[href$=path]").click()
    page.get_by_role("heading", name=words(PATH.title)).wait_for()
    looked_at(page, tmp_path / "path")
    page.get_by_role("link", name=f"1 · {words(CHAPTERS[0].page.title)}").click()
    for chapter in CHAPTERS:
        page.get_by_role("heading", name=words(chapter.page.title), level=1).wait_for()
        try_out(page, chapter, tmp_path)
        page.locator(_NEXT).click()
    page.get_by_text(words("Chapters done: {done} of {all}").format(done=6, all=6)).wait_for()
    looked_at(page, tmp_path / "end")


def try_out(page: Any, chapter: Chapter, pictures: Path) -> None:
    """Guess, do what the chapter asks for, and read what happened."""
    answer = next(iter(chapter.answers))
    page.locator(f".st-key-guess_{chapter.key}_{answer} button").wait_for()
    wait_for_rest(page)
    looked_at(page, pictures / f"{chapter.key}_asks")
    page.locator(f".st-key-guess_{chapter.key}_{answer} button").click()
    page.locator(f".st-key-guess_{chapter.key}_{answer} button").wait_for(state="detached")
    wait_for_rest(page)
    ACTS[chapter.key](page)
    page.locator(_NEXT).wait_for()
    wait_for_rest(page)
    looked_at(page, pictures / f"{chapter.key}_happened")


def looked_at(page: Any, picture: Path) -> None:
    """Check the page at both sizes, and keep a picture of each."""
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        no_sideways_scrolling(page)
        nothing_cut_off(page)
        strip = page.locator(".st-key-strip")
        if strip.count():
            assert not strip.evaluate(_IS_CUT), f"the strip does not hold {strip.inner_text()!r}"
        page.screenshot(path=f"{picture}_{size}.png")
    page.set_viewport_size({"width": 1280, "height": 720})


@pytest.mark.parametrize("code", codes())
def test_every_character_of_a_language_has_a_glyph(page, app_url, code):
    texts = language(code).messages._catalog.values() if code != "en" else CHAPTERS[0].question
    files = sorted(Path("assets/lesson", code).iterdir())
    characters = sorted({*"".join(map(str, texts)), *"".join(map(Path.read_text, files))})
    page.goto(f"{app_url}/path?language={code}")
    page.locator(f"html[lang={code}] .st-key-path_title").wait_for()
    shown = [one for one in characters if not one.isspace() and one.isprintable()]
    assert page.evaluate(_MISSING, shown) == []
    assert page.evaluate(_MISSING, ["\U000f0000"]) == ["\U000f0000"]


def test_what_i_did_holds_the_visit_in_its_language(page, app_url, tmp_path):
    page.goto(f"{app_url}/feature_maps?language=ja&layer=bn2")
    page.locator(".st-key-guess_feature_maps_place button").click()
    page.locator(".st-key-chapter").get_by_text("場所はおおよそです").wait_for()
    page.goto(f"{app_url}/path?language=ja")  # the same tab goes on with its visit
    page.get_by_text("場所はおおよそです").wait_for()
    with page.expect_download() as downloading:
        page.locator(".st-key-download_report button").first.click()
    downloading.value.save_as(tmp_path / "what_i_did.html")
    text = (tmp_path / "what_i_did.html").read_text(encoding="utf-8")
    assert '<html lang="ja">' in text
    assert "/feature_maps?" in text
    assert "場所はおおよそです" in text


def test_a_link_brings_its_language_into_a_tab_that_had_another(page, app_url):
    page.goto(f"{app_url}/path?language=ja")
    page.get_by_role("heading", name="学習コース").wait_for()
    page.goto(f"{app_url}/path?language=en")
    page.get_by_role("heading", name="Your path").wait_for()
    page.locator("html[lang=en]").wait_for(state="attached")
