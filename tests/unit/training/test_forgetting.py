import copy
from contextlib import closing
from dataclasses import replace

import torch

from tests.handler import finish, make_context
from tl_core.datasets.dataset import Dataset
from tl_core.images import samples
from tl_core.training.forgetting import count_forgotten
from tl_core.training.inputs import PhotoSource


def test_the_old_head_knows_the_gallery_on_its_own_features_and_nothing_on_others() -> None:
    context = make_context()
    network = context.backbones.load("efficientnet_lite0")
    body = copy.deepcopy(network.body)
    with torch.no_grad():
        for weights in body.parameters():
            weights.copy_(weights.flatten()[torch.randperm(weights.numel())].view_as(weights))
    nothing = Dataset("none", "none", ("a", "b"), (), lambda _example: b"")
    source = PhotoSource(context, nothing, "me", lambda *_: None)
    with closing(context.pool):
        found = finish(count_forgotten(network, replace(network, body=body), source))
    assert found.photographs == sum(row.imagenet_class is not None for row in samples.SAMPLES)
    assert found.before > 0.7 * found.photographs
    assert found.after < 0.3 * found.photographs
