"""The glossary, and the links to it in the lessons' texts."""

import re

import pytest

from pages.languages import ASSETS, codes, lesson_file
from pages.shared.sitemap import ALL_PAGES, GLOSSARY, HISTORY
from pages.shared.terms import linked, terms
from tests.app.conftest import settled, words

# what a learner may have read elsewhere, and the term that it must lead to
WANTED = {
    "unfreeze": "fine-tuning",
    "finetuning": "fine-tuning",
    "explainable AI": "saliency map (attribution)",
    "hold-out": "training, validation and test set",
    "SGD": "gradient descent",
    "ConvNet": "convolutional neural network (CNN)",
    "DeepDream": "feature visualisation (activation maximisation)",
    "畳み込み": "convolution",
}


def shown(page) -> list[str]:
    """The names of the terms on the page."""
    names = {term.name for term in terms("en").values()}
    return [
        name for text in page.markdown for name in names if text.value.startswith(f"**{name}**")
    ]


@pytest.mark.parametrize("code", codes())
def test_every_term_has_a_name_a_text_and_a_page_in_every_language(code):
    known, pages = terms(code), {row.topic for row in ALL_PAGES}
    assert 40 <= len(known) <= 80
    for term in known.values():
        assert term.name
        assert term.says.endswith((".", "。")), term.key
        assert {term.page, *term.too} <= pages, term.key
    assert len({term.name for term in known.values()}) == len(known)


@pytest.mark.parametrize("readme", ["README.md", "README.ja.md"])
def test_the_readme_says_how_many_terms_there_are(readme):
    said = (ASSETS.parent / readme).read_text(encoding="utf-8")
    assert re.findall(r"(\d+)(?: terms|の用語)", said) == [str(len(terms("en")))] * 2


@pytest.mark.parametrize("code", codes())
def test_every_link_to_a_term_finds_it_and_both_languages_link_to_the_same(code):
    for file in (ASSETS / "lesson" / "en").glob("*.md"):
        text = lesson_file(code, file.name).read_text(encoding="utf-8")
        assert set(linked([text])) <= set(terms(code)), file.name
        assert set(linked([text])) == set(linked([file.read_text(encoding="utf-8")])), file.name


def test_most_terms_are_linked_from_the_lessons(open_page):
    texts = [file.read_text(encoding="utf-8") for file in (ASSETS / "lesson/en").glob("*.md")]
    assert len(linked(texts)) > len(terms("en")) / 2


@pytest.mark.parametrize(("typed", "name"), WANTED.items())
def test_a_search_finds_a_term_by_other_words_too(open_page, typed, name):
    page = open_page("glossary")
    page.text_input(key="term").set_value(typed).run()
    assert name in shown(page)
    assert len(shown(page)) < 20


def test_all_terms_are_listed_until_somebody_searches_and_none_is_said_in_a_sentence(open_page):
    page = open_page("glossary")
    assert len(shown(page)) == len(terms("en"))
    page.text_input(key="term").set_value("xylophone").run()
    assert not shown(page)
    assert "No term matches" in page.info[0].value


def test_a_link_opens_the_glossary_at_a_term(open_page):
    page = open_page("home")
    page.query_params["term"] = "fine-tuning"
    page.switch_page(GLOSSARY.path).run()
    assert page.text_input(key="term").value == "fine-tuning"


def test_what_came_after_these_networks_is_told_and_what_the_lab_does_not_have(open_page):
    page = open_page("home")
    page = settled(page.switch_page(HISTORY.path).run())
    for told in ("CLIP", "LoRA", "transformer", "adapters"):
        assert told in words(page)
    assert page.expander[-2].label == "**What this lab does not have**"  # before the sources
