"""Steps on a GPU, without one: nothing waits for it, and little is copied to it."""

import math
from functools import partial

import numpy as np
import pytest
import torch

from tests.fake_gpu import CUDA, Traffic, devices, fake_gpu, on_gpu
from tests.unit.tiny import tiny_backbone
from tl_core.attack.runner import AttackMember
from tl_core.attack.success import ClassGoal
from tl_core.attribution.methods import METHODS
from tl_core.attribution.pixel_model import PixelModel
from tl_core.backbones.build import untrained
from tl_core.backbones.catalogue import CATALOGUE
from tl_core.engine.job import Job
from tl_core.feature_maps.activations import probe
from tl_core.ideal.slot import slot_of
from tl_core.imageopt.batch import Batch
from tl_core.specs.attack import Attack
from tl_core.specs.attack_methods import ATTACK_METHODS
from tl_core.specs.attribution import Attribute
from tl_core.specs.ideal import IdealImage
from tl_core.specs.ideal_recipes import LADDER
from tl_core.specs.training import FineTune, FineTuneSnapshot
from tl_core.training.loop import TrainingLoop
from tl_core.training.progress import Progress
from tl_core.training.trainable import TrainableModel

ROWS = {row.key: row for row in CATALOGUE}
CPU = torch.device("cpu")
NUMBERS_OF_A_VIEW = 40  # a step's own table may have so many for each picture it shows


@pytest.fixture
def gpu(monkeypatch):
    with fake_gpu(monkeypatch):
        yield


class Photos:
    """Six photographs that are on the device already."""

    def __init__(self, model):
        self.labels = torch.tensor([0, 1] * 3).to(CUDA)
        self._features = model.frozen_layers(torch.zeros(6, 3, 32, 32, device=CUDA))

    def plan(self, batches, *, is_training):
        """Nothing is prepared."""

    def next_batch(self):
        """All of them, whatever was planned."""
        return self._features
        yield


def assert_steps_run_free(batch):
    """Two steps: the first may place constants on the device, the next only its own numbers."""
    batch.step()
    with Traffic() as traffic:
        readings = batch.step()
    views = sum(slot.views for slot in batch.slots)
    assert traffic.back == []
    assert 0 < sum(traffic.there) <= NUMBERS_OF_A_VIEW * views
    assert len(traffic.there) == 2  # for the updates and for the pass
    assert devices([readings.values, readings.pixels]) == {"cuda"}


def test_reading_a_value_and_mixing_devices_are_found(gpu):
    values = torch.zeros(3, device=CUDA)
    with pytest.raises(Exception, match="_local_scalar_dense"):
        float(values.sum())
    with pytest.raises(Exception, match="device"):
        values + torch.zeros(3)
    with Traffic() as traffic:
        values.cpu()
        torch.zeros(5).to(CUDA)
    assert (traffic.back, traffic.there) == ([3], [5])


@pytest.mark.parametrize("recipe", [row.key for row in LADDER])
def test_a_step_of_ideal_images_waits_for_nothing(gpu, recipe):
    backbone = on_gpu(tiny_backbone)
    batch = Batch([backbone], "auto")
    for target in (1, 2):
        spec = IdealImage(target=target, second_target=3, mix=0.5, recipe=recipe, seed=target)
        batch.join(slot_of(spec, backbone, None))
    assert_steps_run_free(batch)


def test_a_step_towards_a_channel_beside_one_towards_a_class_waits_for_nothing(gpu, monkeypatch):
    monkeypatch.setattr("tl_core.ideal.slot.channel_counts", lambda _row: {"layer1": 4})
    backbone = on_gpu(tiny_backbone)
    batch = Batch([backbone], "auto")
    for spec in (IdealImage(layer="layer1", channel=1), IdealImage(target=2)):
        batch.join(slot_of(spec, backbone, None))
    assert_steps_run_free(batch)


@pytest.mark.slow
@pytest.mark.parametrize("key", ["vgg16", "resnet50", "mobilenet_v2", "efficientnet_lite0"])
def test_a_step_of_every_kind_of_network_waits_for_nothing(gpu, key):
    backbone = on_gpu(lambda: untrained(ROWS[key], CPU, seed=0))
    batch = Batch([backbone], "auto")
    batch.join(slot_of(IdealImage(backbone=key, target=284), backbone, None))
    assert_steps_run_free(batch)


@pytest.mark.parametrize("method", ATTACK_METHODS)
def test_a_step_of_every_attack_waits_for_nothing(gpu, method):
    backbones = [on_gpu(partial(tiny_backbone, seed=i, key=str(i))) for i in range(2)]
    spec = Attack(photo="sample:cat", method=method, epsilon=2)
    photo = np.zeros((32, 32, 3), np.uint8)
    goal = ClassGoal((3,), is_targeted=True)
    member = AttackMember(spec=spec, original=photo, goal=goal, backbones=backbones)
    batch = Batch(backbones, "fp32")
    batch.join(member.slot)
    assert_steps_run_free(batch)


def test_feature_maps_are_probed_without_waiting(gpu):
    backbone = on_gpu(tiny_backbone)
    pixels = torch.zeros(1, 3, 32, 32, device=CUDA)
    probe(backbone, pixels, ["layer1", "layer4"])
    with Traffic() as traffic:
        found = probe(backbone, pixels, ["layer1", "layer4"])
    assert (traffic.there, traffic.back) == ([], [])
    assert devices(found) == {"cuda"}


@pytest.mark.parametrize("key", [key for key in METHODS if key != "guided_gradcam"])
def test_a_map_is_read_from_the_device_once_it_is_done(gpu, key):
    backbone = on_gpu(tiny_backbone)
    spec = Attribute(photo="sample:cat", targets=(1, 2), layer="layer4", steps=8, patch=8)
    pixels = torch.zeros(1, 3, 32, 32, device=CUDA)
    model = PixelModel(backbone)
    model.scores(pixels)  # the first time it places constants on the device
    with Traffic() as traffic:
        slices = METHODS[key].run(model, pixels, spec)
        try:
            while True:
                next(slices)
                assert traffic.back == []
        except StopIteration as end:
            maps = end.value
    assert maps.shape == (2, 32, 32)
    assert traffic.back == [maps.numel()]
    assert sum(traffic.there) <= 3 * spec.steps


@pytest.mark.parametrize("unfrozen", ["head", "last block", "all"])
def test_a_training_step_waits_for_nothing(gpu, unfrozen):
    model = on_gpu(
        lambda: TrainableModel(
            tiny_backbone(), ("cat", "dog"), unfrozen=unfrozen, trains_batch_norm=True, seed=0
        )
    )
    spec = FineTune(dataset="pets", clip_norm=1.0)
    job, photos = Job(spec, "bob"), Photos(model)
    progress = Progress(job, FineTuneSnapshot(phase=""))
    progress._due = math.inf  # no snapshot is
    loop = TrainingLoop(job, model, photos, photos, progress)
    list(loop.update(range(6), 0, 1e-3))
    with Traffic() as traffic:
        list(loop.update(range(6), 0, 1e-3))
    assert traffic.back == []
    assert sum(traffic.there) <= NUMBERS_OF_A_VIEW * len(photos.labels)
