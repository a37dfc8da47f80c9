"""A link holds every choice of a page, and a fresh browser finds them there."""

from functools import partial

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Widget

from pages.shared import sources
from pages.shared.sitemap import PAGES
from pages.training import panes
from tests.app.conftest import settled, words
from tests.journeys.widgets import PRESSES, send, send_all, widgets
from tl_core.errors import UserError

# by page: the choices that bring further widgets, as their places in the list
VARIANTS: dict[str, list[dict[str, object]]] = {
    "pages/backbones/page.py": [{}],
    "pages/feature_maps/page.py": [{}, {"compare": 1}, {"compare": 2}, {"compare": 3}],
    "pages/attribution/page.py": [{}],
    "pages/training/page.py": [{}, {"dataset": 1}],
    "pages/ideal/page.py": [{}, {"goal": 1}, {"goal": 2}, {"goal": 3}],
    "pages/attack/page.py": [{}, {"aim": 1}],
}
# not in a link, and why
NOT_IN_A_LINK = {
    "class_": "the name of a class goes with its photographs, which stay with their owner",
    "own_model": "a model stays with its owner",
}
_NO_CHOICE = ("file_uploader", "camera_input", "bidi_component", *PRESSES)


def choosing(app: AppTest) -> dict[str, Widget]:
    """The widgets that choose something, by key."""
    return {
        key: node
        for key, node in widgets(app).items()
        if node.type not in _NO_CHOICE and not key.startswith(tuple(NOT_IN_A_LINK))
    }


def others(node) -> list[object]:
    """Values, as ``send`` takes them, one of which at least the widget does not have."""
    if node.type in ("toggle", "checkbox"):
        return [True, False]
    if node.type in ("slider", "number_input"):
        return [node.max, node.min]
    if node.type == "multiselect" or (node.type == "button_group" and not node._is_single_select):
        return [[1, 2], [0]]
    return [len(node.options) - 1, 0]


def change(app: AppTest, known: set[str]) -> set[str]:
    """Choose something else at every widget that is not known yet, all at once."""
    before = {key: node for key, node in choosing(app).items() if key not in known}
    for place in (0, 1):
        now = choosing(app)
        todo = [
            (now[key], others(node)[place])
            for key, node in before.items()
            if key in now and now[key].value == node.value
        ]
        if todo:
            send_all(app, todo)
    return known | before.keys()


def values(app: AppTest) -> dict[str, object]:
    return {key: node.value for key, node in choosing(app).items()}


CASES = [
    pytest.param(page, variant, id=f"{page.split('/')[1]}-{variant}")
    for page, variants in VARIANTS.items()
    for variant in variants
]


def test_every_page_is_tried():
    assert VARIANTS.keys() == {row.path for row in PAGES}


@pytest.mark.parametrize(("page", "variant"), CASES)
def test_a_link_opened_in_a_fresh_browser_shows_what_was_chosen(
    open_page, page, variant, monkeypatch
):
    app = open_page()
    app.switch_page(page).run()
    usual = values(app)
    for key, value in variant.items():
        send(app, widgets(app)[key], value)
    known = {"backbone", *variant}
    while not choosing(app).keys() <= known:
        known = change(app, known)
    assert not app.exception
    chosen = values(settled(app))
    fresh = open_page()
    fresh.switch_page(page)
    for key, value in app.session_state["address"].items():
        fresh.query_params[key] = value
    fresh.run()
    assert not fresh.exception
    assert values(settled(fresh)) == chosen
    refuse_once(monkeypatch)
    assert "It cannot be." in words(fresh.run())
    assert not fresh.exception
    fallen_back = values(settled(fresh))
    of_every_page = {key: chosen[key] for key in ("present", "language")}
    assert {key: fallen_back[key] for key in usual} == usual | of_every_page


def refuse_once(monkeypatch):
    """Have a page's last words refuse what was chosen, as a spec does, the first time."""
    refusals = [UserError("It cannot be.")]

    def refuse(say, *given, **named):
        if refusals:
            raise refusals.pop()
        say(*given, **named)

    for module, name in ((sources, "sources"), (panes, "panes")):
        monkeypatch.setattr(module, name, partial(refuse, getattr(module, name)))


def test_a_value_of_a_link_that_is_no_choice_is_said_also_when_the_page_is_drawn_anew(open_page):
    page = open_page("teach", photos_per_class="10")
    assert "= 10, which is not offered here" in words(page.run())


def test_a_link_that_names_the_same_methods_again_and_again_shows_each_once(open_page):
    page = open_page("why", methods=",".join(["gradcam"] * 5 + ["occlusion"] * 3))
    assert page.session_state["methods"] == ["gradcam", "occlusion"]
    page.session_state["methods"] = ["gradcam"] * 5  # forged
    assert not page.run().exception


def test_what_a_link_cannot_bring_is_said_in_a_sentence(open_page):
    app = open_page()
    app.switch_page("pages/attribution/page.py")
    app.query_params["sample"] = "sha256:" + "0" * 64
    app.query_params["backbone"] = "own:" + "f" * 32
    app.run()
    assert not app.exception
    text = words(app)
    assert "The photograph in this link stayed with its owner" in text
    assert "This link's network isn't here" in text
    assert app.selectbox(key="backbone").value == "efficientnet_lite0"


def test_a_link_of_another_version_is_not_taken(open_page):
    app = open_page()
    app.switch_page("pages/ideal/page.py")
    app.query_params["steps"], app.query_params["version"] = "1024", "2"
    app.run()
    assert app.select_slider(key="steps").value == 256
    assert "another version" in words(app)


def test_a_link_from_one_page_to_another_brings_its_choices(open_page):
    page = open_page("backbones")
    page.query_params["sample"] = "sample:coffee"
    page.query_params["epsilon"] = "8"
    page.switch_page("pages/attack/page.py").run()
    assert page.button_group(key="sample").value == "sample:coffee"
    assert page.select_slider(key="epsilon").value == 8


def test_what_is_chosen_on_a_page_wins_over_the_address_it_was_opened_with(open_page):
    page = open_page("backbones")
    page.query_params["epsilon"] = "8"
    page.switch_page("pages/attack/page.py").run()
    page.select_slider(key="epsilon").set_value(2).run()
    page.run()
    assert page.select_slider(key="epsilon").value == 2
    assert page.session_state["address"]["epsilon"] == "2"
