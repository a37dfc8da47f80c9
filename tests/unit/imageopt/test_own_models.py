"""A visitor's own model is attacked and drawn with like any other network."""

import numpy as np
import pytest

from tl_core.images.decode import read_back
from tl_core.lab import Lab, Settings
from tl_core.specs.attack import Attack, SmallestBudget, Transfer
from tl_core.specs.classify import Classify
from tl_core.specs.ideal import IdealImage
from tl_core.specs.training import FineTune

WAIT_S = 120
DOG = "sample:dalmatian"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    settings = Settings(data_dir=folder, weights_dir=folder, cache_dir=folder, device="cpu")
    with Lab(settings) as lab:
        yield lab


def finished(lab, spec):
    job = lab.jobs.submit(spec, "ann")
    assert job.wait(WAIT_S)
    assert job.error is None
    return job.snapshot


@pytest.fixture(scope="module")
def model(lab, labelled):
    """Two classes of ann's own: dogs, and everything else."""
    boxes = {"dogs": [], "others": []}
    for label, data in labelled:
        boxes["dogs" if 151 <= label <= 268 else "others"].append(lab.photos.add(data, "ann"))
    photos = tuple((name, tuple(keys[:4])) for name, keys in boxes.items())
    taught = finished(lab, FineTune(dataset="own", photos=photos, validation_share=0.25))
    return taught.result.model


def answer(lab, photo, model):
    spec = Classify(photo=photo, backbone=model)
    return lab.jobs.ask(spec, "ann", timeout_s=WAIT_S).snapshot.answers[0]


def test_an_own_model_is_fooled_within_epsilon_into_the_other_of_its_classes(lab, model):
    before = answer(lab, DOG, model)
    assert before.label == "dogs"
    other = lab.backbones.classes(model).index("others")
    found = finished(lab, Attack(photo=DOG, backbone=model, target=other, epsilon=2))
    change = read_back(found.picture).astype(int) - read_back(found.original)
    assert found.before[0].label == "dogs"
    assert found.after[0].label == "others"
    assert found.is_fooled
    assert np.abs(change).max() <= 2
    assert answer(lab, lab.photos.add(found.picture, "ann"), model).label == "others"


@pytest.mark.slow
@pytest.mark.parametrize("method", ["minimum", "sparse"])
def test_the_smallest_changes_are_found_for_an_own_model_too(lab, model, method):
    spec = Attack(photo=DOG, backbone=model, target=None, method=method, epsilon=4, steps=30)
    found = finished(lab, spec)
    assert found.is_fooled
    assert found.after[0].label == "others"
    assert found.gap.linf_levels <= 4


@pytest.mark.slow
def test_the_smallest_budget_of_an_own_model_is_searched(lab, model):
    found = finished(lab, SmallestBudget(photo=DOG, backbone=model, target=None, value_steps=4))
    assert found.is_fooled
    assert found.after[0].label == "others"


def test_an_attack_on_an_own_model_is_not_shown_to_networks_with_other_classes(lab, model):
    question = {"photo": "sample:cat", "original": DOG}
    own = finished(lab, Transfer(**question, backbone=model, target=0))
    imagenet = finished(lab, Transfer(**question, target=284))
    assert [opinion.backbone for opinion in own.opinions] == [model]
    ready = [row.key for row in lab.backbones.ready()]
    assert [opinion.backbone for opinion in imagenet.opinions] == ready


def test_an_own_model_and_a_network_with_other_classes_are_not_attacked_together(lab, model):
    job = lab.jobs.submit(Attack(photo=DOG, also=(model,)), "ann")
    assert job.wait(WAIT_S)
    assert "different classes" in str(job.error)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["pixels", "ideal"])
def test_an_own_model_draws_its_ideal_of_each_class(lab, model, recipe):
    common = {"backbone": model, "recipe": recipe, "steps": 24}
    jobs = [lab.jobs.submit(IdealImage(target=target, **common), "ann") for target in (0, 1)]
    assert all(job.wait(WAIT_S) for job in jobs)
    # without a say for the target the two would be one picture, and add up to 1
    assert sum(job.snapshot.probability for job in jobs) > 1.2
