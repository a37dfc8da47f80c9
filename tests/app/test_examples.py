import pytest

from pages.ideal.examples import FOLDER, example_of
from pages.shared.choose_class import QUICK, favourites
from tests.pictures.examples import SEEDS
from tl_core.backbones.build import imagenet_classes
from tl_core.commands.common import OWNER, run_to_end
from tl_core.specs.classify import Classify

JUDGE = "efficientnet_lite1"  # it drew none of them


def test_every_quick_class_is_drawn_and_nothing_else():
    assert list(SEEDS) == list(QUICK)
    assert len({file.stem for file in FOLDER.iterdir()}) == len(QUICK)


def test_the_first_five_quick_classes_are_offered_at_once():
    assert favourites(imagenet_classes()) == list(QUICK[:5])
    assert favourites(imagenet_classes(), most=12) == list(QUICK)


def test_of_a_visitors_own_classes_the_first_are_offered():
    assert favourites(("me", "you")) == ["me", "you"]


@pytest.mark.parametrize("name", QUICK)
def test_an_example_has_the_settings_that_draw_its_class(name):
    example = example_of(name)
    assert example is not None
    assert imagenet_classes()[example.spec.target] == name
    assert (example.spec.seed, example.spec.steps) == (SEEDS[name], 512)


def test_what_is_no_quick_class_has_no_example():
    assert example_of("../home/figures") is None


def test_an_example_says_who_drew_it(app_lab, monkeypatch):
    monkeypatch.setattr("pages.shared.visit.Lab", lambda: app_lab)
    example = example_of("zebra")
    assert example is not None
    assert example.words == "Drawn by EfficientNet-Lite0 in 512 steps, seed 4."


def test_all_examples_together_are_a_small_download():
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 10**6


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_another_network_sees_the_class_in_the_example(name, app_lab):
    example = example_of(name)
    assert example is not None
    photo = app_lab.photos.add(example.picture, OWNER)
    answers = run_to_end(app_lab, Classify(photo=photo, backbone=JUDGE)).answers
    assert name in [answer.label for answer in answers[:2]]
