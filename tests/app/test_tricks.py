"""The chapter on training tricks: five experiments on *Teach it*, each with a guess."""

from dataclasses import fields

import pytest

from pages.shared.experiments import ALSO_MEASURED, EXPERIMENTS
from pages.shared.measured_examples import measured
from pages.shared.sitemap import PATH, TRICKS
from pages.shared.terms import terms
from tests.app.conftest import PATHS, settled, words
from tests.app.training import finished
from tl_core.specs.training import FineTune
from tl_core.specs.tricks import TRICKS as PAIRS


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.key)
def test_two_runs_differ_in_one_setting_alone_and_each_has_its_best_rate(pair):
    first, second = (
        FineTune(dataset=pair.data, **pair.fields(has_it=has_it)) for has_it in (False, True)
    )
    differing = {
        field.name
        for field in fields(FineTune)
        if getattr(first, field.name) != getattr(second, field.name)
    }
    assert len(differing - {"learning_rate", "epochs"} or differing) == 1
    rates = measured("tricks.json")[pair.data][pair.key]["rates"]
    assert [first.chosen_learning_rate, second.chosen_learning_rate] == rates
    heads = 30 * (pair.without.get("head_first") is False)  # epochs, before all layers learn
    lengths = {one.chosen_epochs + heads * one.head_first for one in (first, second)}
    assert len(lengths) == 1  # as many updates


def test_every_pair_is_explained_and_was_measured():
    shown = [*EXPERIMENTS.values(), *ALSO_MEASURED]
    assert len(EXPERIMENTS) == 5
    assert {pair.trick.key for pair in shown} == {pair.key for pair in PAIRS}
    for pair in shown:
        assert pair.term in terms("en")
        assert pair.trick.key in measured("tricks.json")[pair.trick.data]


@pytest.fixture
def page(open_page):
    return settled(open_page("teach", preset="momentum"))


def test_a_preset_asks_its_question_and_says_what_is_equal(page):
    text = words(page)
    assert EXPERIMENTS["momentum"].question in text
    assert "**without momentum** and **momentum 0.9**" in text
    assert page.selectbox(key="dataset").value == "digits"
    assert not [group for group in page.button_group if group.key == "mode"]


def test_one_press_starts_both_runs_and_the_guess_is_answered(page):
    page = settled(page.button(key="guess_teach momentum_without").click().run())
    page = finished(page.button(key="start").click().run())
    text = words(page)
    assert "You guessed *without momentum*." in text
    assert not page.session_state["visit"].outcomes.get("teach")  # its question is another one
    assert "Measured with five seeds" in text
    page = settled(page.switch_page(TRICKS.path).run())
    assert words(page).count("You guessed") == 1
    page = settled(page.switch_page(PATH.path).run())
    assert "1 of 5 done" in words(page)


def test_leaving_an_experiment_brings_the_settings_back(page):
    page = settled(page.button(key="leave_experiment").click().run())
    assert page.button_group(key="mode").value == ["head"]
    assert EXPERIMENTS["momentum"].question not in words(page)


@pytest.mark.parametrize(
    ("address", "is_left"),
    [({"dataset": "faces"}, True), ({"seed": "3"}, False)],
)
def test_a_link_that_names_other_photographs_ends_the_experiment(page, address, is_left):
    page.query_params.clear()  # as the browser does when the menu is used
    page.switch_page(PATHS["path"]).run()
    for key, text in (address | {"version": "1"}).items():
        page.query_params[key] = text
    page.switch_page(PATHS["teach"]).run()
    assert ("Experiment: " not in words(page)) == is_left


def test_of_a_preset_that_is_not_there_the_visitor_is_told(open_page):
    page = open_page("teach", preset="luck")
    assert "The link asks for preset = luck, which is not offered here" in words(page)
    assert page.button_group(key="mode").value == ["head"]
