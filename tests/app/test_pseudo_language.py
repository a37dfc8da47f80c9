"""In a language of look-alike letters no page draws a plain word: all go through a catalogue."""

import re
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from tests.app import pseudo_walks as walks
from tests.app.conftest import APP, PATHS, settled
from tests.app.texts import texts
from tests.pseudo import CODE, accented, ascii_words, speak_pseudo
from tl_core.specs.attack_methods import ATTACK_METHODS
from tl_core.specs.attribution import ATTRIBUTION_METHODS

PAPERS = [row.paper for row in ATTRIBUTION_METHODS]
PAPERS += [row.paper for row in ATTACK_METHODS.values()]
PAPERS.sort(key=len, reverse=True)  # one may begin as another
ALLOWED = {
    "networks are called as in their papers": r"\b(EfficientNet|MobileNet|ResNet|VGG)[\w-]*",
    "layers are called as in the network's code": r"\b(bn|layer|blocks\.|features\.)\d[\d.]*",
    "layers of PyTorch are called as there": r"\b(ReLU6|Hardsigmoid|Hardswish)\b",
    "papers are cited in the language they are in": "|".join(map(re.escape, PAPERS)),
    "licences are called as their authors call them": r"\b(Apache-2\.0|BSD-3-Clause)",
    "units are the same everywhere": r"\b(GFLOPs|MB|ms|dB|px)\b",
    "a language is called what it calls itself": r"\bEnglish\b",
    "files and keys keep their names": r"\bphoto-0\.jpg\b|\bmobilenet\\_v2\b|\bstrength\b",
    "a model is called as in its file": r"\b(Raw pixels, )?(head|last-block|pixels)(?=:)",
    "classes are called as in a data set or by a visitor": r"\b((not a )?face|others)\b",
}
_KNOWN = re.compile("|".join(ALLOWED.values()))
_BOTH_NAMES = re.compile(r"(.+) \((.+)\)")


def left(app: AppTest) -> Iterator[str]:
    """The texts of the page with a plain word that no kind of ``ALLOWED`` explains."""
    assert not app.exception
    for text in texts(app):
        place, _colon, said = text.partition(": ")
        both = _BOTH_NAMES.fullmatch(said)
        if both and both[1] == accented(both[2]):
            continue  # a list of classes finds them by their English names too
        if any(ascii_words(_KNOWN.sub(" ", said))):
            yield f"{place}: {said[:200]}"


@pytest.fixture
def opened(open_page, monkeypatch):
    """Open a page in the language, by a link."""
    open_page()  # has the lab of the tests in place
    speak_pseudo(monkeypatch)

    def at(page: str) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=60)
        app.query_params["language"] = CODE
        app.run()
        return settled(app.switch_page(PATHS[page]).run()) if page != "home" else app

    return at


@pytest.mark.slow
@pytest.mark.parametrize("page", walks.WALKS)
def test_a_page_draws_no_word_that_went_through_no_catalogue(opened, page, request, monkeypatch):
    scene = walks.Scene(
        opened(page),
        request.getfixturevalue("app_lab"),
        request.getfixturevalue("labelled"),
        monkeypatch,
    )
    found = {text: state for state in walks.WALKS[page](scene) for text in left(scene.app)}
    assert not found, "\n".join(f"{state}: {text}" for text, state in found.items())


@pytest.mark.parametrize(
    "link", [{"version": "2"}, {"sample": "sha256:0", "backbone": "own:f", "strength": "9"}]
)
def test_what_is_said_of_a_link_went_through_a_catalogue(opened, link):
    app = opened("home").switch_page("pages/attribution/page.py")
    for key, value in link.items():
        app.query_params[key] = value
    app.run()
    assert app.info
    assert not list(left(app))


def a_page() -> None:
    """The script of a page with a title and the line at the foot."""
    import streamlit as st

    from pages.shared.foot import choose_current_language, foot
    from pages.shared.link import take_address
    from pages.shared.words import _

    choose_current_language()
    st.title(_("Home"))
    take_address("pages/home/page.py")
    foot()


def test_what_is_chosen_at_the_foot_is_spoken_from_then_on_and_is_in_the_link(opened):
    app = AppTest.from_function(a_page)  # AppTest runs the app's own frame at the first run only
    app.query_params["language"] = CODE
    assert app.run().title[0].value == accented("Home")
    app.segmented_control(key="language").set_value("en").run()
    assert app.run().title[0].value == "Home"
    assert app.session_state["address"]["language"] == "en"
    app.segmented_control(key="language").set_value(CODE).run()
    assert app.run().title[0].value == accented("Home")
    assert app.session_state["address"]["language"] == CODE
