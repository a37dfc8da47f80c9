"""What tests on the CPU prove, on CUDA: ``make test-gpu``. ``TL_TEST_DEVICE`` names another one."""

import dataclasses
import os

import pytest
import torch

from tests.hostile import photo, saved
from tl_core.backbones.store import BackboneStore
from tl_core.errors import UserError
from tl_core.ideal.slot import slot_of
from tl_core.imageopt.batch import Batch
from tl_core.imageopt.optimisers import UPDATE_RULES
from tl_core.lab import JobState, Lab
from tl_core.settings import Settings
from tl_core.specs.attack import Attack
from tl_core.specs.attack_methods import ATTACK_METHODS
from tl_core.specs.attribution import Attribute
from tl_core.specs.classify import Classify
from tl_core.specs.every import spec_from_json
from tl_core.specs.feature_maps import FeatureMaps
from tl_core.specs.ideal import IdealImage
from tl_core.specs.ideal_recipes import LADDER
from tl_core.specs.training import FineTune

pytestmark = pytest.mark.gpu
DEVICE = os.environ.get("TL_TEST_DEVICE", "cuda")
WAIT_S = 240


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for label, colour in enumerate(("red", "blue")):
        for number in range(12):
            file = folder / "colours" / colour / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            picture = photo(64 + 8 * number, 64)
            file.write_bytes(saved(picture.convert("L") if label else picture, "PNG"))
    with Lab(Settings(data_dir=folder, weights_dir=folder, device=DEVICE)) as lab:
        yield lab


@pytest.fixture(scope="module")
def backbone():
    return BackboneStore(Settings.from_env(), torch.device(DEVICE)).load("efficientnet_lite0")


def done(lab, spec):
    job = lab.jobs.submit(spec, "ann")
    assert job.wait(WAIT_S)
    assert job.state is JobState.DONE, job.error
    return job.snapshot


def pixels_after_a_step(backbone, specs, precision="fp32"):
    """By plain descent, since Adam's first step turns any rounding near 0 into its sign."""
    batch = Batch([backbone], precision)
    for spec in specs:
        slot = slot_of(spec, backbone, None)
        slot.update = dataclasses.replace(slot.update, rule=UPDATE_RULES["descent"])
        batch.join(slot)
    batch.step()
    return batch.pixels().cpu()


@pytest.mark.parametrize("recipe", [row.key for row in LADDER])
def test_a_step_is_the_same_alone_in_a_batch_and_on_the_cpu(backbone, recipe):
    specs = [IdealImage(target=284, recipe=recipe, seed=seed, steps=16) for seed in (7, 1, 2)]
    here = BackboneStore(Settings.from_env(), torch.device("cpu")).load("efficientnet_lite0")
    alone = pixels_after_a_step(backbone, specs[:1])[0]
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        assert (pixels_after_a_step(backbone, specs)[0] - alone).abs().max() < 1e-5
        assert (pixels_after_a_step(here, specs[:1])[0] - alone).abs().max() < 1e-4


def test_a_picture_convinces_the_network_and_replays(lab):
    drawn = done(lab, IdealImage(target=340, steps=64))
    assert drawn.probability > 0.9
    again = done(lab, spec_from_json(drawn.settings))
    assert again.probability == pytest.approx(drawn.probability, abs=0.05)


@pytest.mark.parametrize("method", ATTACK_METHODS)
def test_every_attack_keeps_its_budget_and_is_judged_by_its_file(lab, method):
    spec = Attack(photo="sample:cat", target=207, method=method, epsilon=8, steps=40)
    found = done(lab, spec)
    assert found.gap.linf_levels <= 8
    key = lab.photos.add(found.picture, "ann")
    answer = done(lab, Classify(photo=key)).answers[0]
    if found.is_fooled:
        assert answer.index == 207
    assert found.is_fooled or method in ("fgsm", "robust", "transfer")


@pytest.mark.parametrize("mode", ["head", "last-block", "full"])
def test_a_network_learns_colours(lab, mode):
    end = done(lab, FineTune(dataset="colours", mode=mode, batch_size=8, epochs=6))
    assert end.result.accuracy == 1.0


def test_maps_and_layers_are_those_of_the_cpu(lab, tmp_path):
    with Lab(Settings(data_dir=tmp_path, weights_dir=tmp_path, device="cpu")) as other:
        labs = (lab, other)
        answers = [done(one, Classify(photo="sample:cat")).answers for one in labs]
        activities = [done(one, FeatureMaps(photo="sample:cat")).activities for one in labs]
        peaks = [
            done(one, Attribute(photo="sample:cat", methods=("gradcam",))).maps[0].peak
            for one in labs
        ]
    assert [found.index for found in answers[0]] == [found.index for found in answers[1]]
    assert answers[0][0].probability == pytest.approx(answers[1][0].probability, abs=0.01)
    assert activities[0] == pytest.approx(activities[1], rel=0.02, abs=0.02)
    assert max(abs(a - b) for a, b in zip(*peaks, strict=True)) <= 16


def test_short_memory_makes_smaller_passes_or_is_said_in_a_sentence(backbone, monkeypatch):
    specs = [IdealImage(target=284, seed=seed, steps=16) for seed in range(4)]
    whole = pixels_after_a_step(backbone, specs)
    logits = type(backbone).logits

    def short(most):
        def of(self, pixels):
            if len(pixels) > most:
                raise torch.OutOfMemoryError("no room")
            return logits(self, pixels)

        return of

    monkeypatch.setattr(type(backbone), "logits", short(2))
    assert (pixels_after_a_step(backbone, specs) - whole).abs().max() < 1e-3
    monkeypatch.setattr(type(backbone), "logits", short(0))
    with pytest.raises(UserError, match="too little memory"):
        pixels_after_a_step(backbone, specs)
