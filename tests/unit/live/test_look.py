"""One pass over frames: the answers and class activation maps."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.handler import finish
from tl_core.attribution.methods import METHODS
from tl_core.attribution.pixel_model import PixelModel
from tl_core.backbones.build import untrained
from tl_core.backbones.catalogue import CATALOGUE
from tl_core.live.look import look
from tl_core.specs.attribution import Attribute

ROWS = {row.key: row for row in CATALOGUE}
LEVEL = 1 / 255


def enlarged(answer, side):
    levels = np.frombuffer(answer.heat, np.uint8).reshape(1, 1, answer.heat_side, -1).copy()
    coarse = torch.from_numpy(levels).float() / 255
    return F.interpolate(coarse, (side, side), mode="bilinear", align_corners=False)[0, 0]


@pytest.mark.parametrize("target", [282, 151])
def test_the_live_map_of_a_class_is_grad_cam_of_the_last_stage(lite0, cat, target):
    (answer,) = look(lite0, cat, [target])
    assert answer.shown.index == target
    spec = Attribute(photo="", targets=(target,), layer=lite0.row.stages[-1].layer)
    still = finish(METHODS["gradcam"].run(PixelModel(lite0), cat, spec))[0]
    live = enlarged(answer, lite0.input_size)
    assert (live / live.max() - still / still.max()).abs().max() <= 2 * LEVEL


@pytest.mark.parametrize(
    "key", ["efficientnet_lite2", "mobilenet_v2", "mobilenet_v3_large", "resnet18"]
)
def test_a_network_has_a_map_where_its_embedding_is_the_mean_of_its_last_maps(key):
    network, found = untrained(ROWS[key], torch.device("cpu"), seed=0), []
    pixels = torch.rand(1, 3, 64, 64)
    with (
        torch.inference_mode(),
        network.hooked([network.row.stages[-1].layer], lambda *passed: found.append(passed[-1])),
    ):
        embedding = network.embed(pixels)
    mean = found[0].mean((2, 3))
    is_mean = mean.shape == embedding.shape and torch.allclose(mean, embedding, atol=1e-5)
    assert is_mean == network.row.is_pooled
    (answer,) = look(network, pixels, [None])
    assert bool(answer.heat) == network.row.is_pooled


def test_a_visitors_model_of_two_classes_has_two_answers_and_a_map(lite0, cat):
    head = nn.Linear(lite0.embedding_size, 2).requires_grad_(False)
    own = dataclasses.replace(lite0, head=head, classes=("cup", "pen"))
    (answer,) = look(own, cat, [1])
    assert sorted(one.label for one in answer.answers) == ["cup", "pen"]
    assert answer.shown.label == "pen"


@pytest.mark.parametrize("target", [-1, 1000, None])
def test_the_map_is_of_the_likeliest_class_where_none_is_named_that_there_is(lite0, cat, target):
    (answer,) = look(lite0, cat, [target])
    assert answer.shown == answer.answers[0]


def test_frames_in_a_batch_are_answered_as_alone(lite0, cat):
    pictures = torch.cat([cat, cat.flip(3), 1 - cat])
    together = look(lite0, pictures, [None, 5, None])
    for picture, answer, target in zip(pictures, together, [None, 5, None], strict=True):
        (alone,) = look(lite0, picture[None], [target])
        assert answer.batch == 3
        for one, other in zip(answer.answers, alone.answers, strict=True):
            assert one.index == other.index
            assert one.probability == pytest.approx(other.probability, abs=1e-4)
