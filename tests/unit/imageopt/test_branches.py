import pytest
import torch

from tl_core.backbones.build import untrained
from tl_core.backbones.catalogue import CATALOGUE
from tl_core.imageopt.branches import branch_ends, scaling_residual_gradients

ROWS = {row.key: row for row in CATALOGUE}
CPU = torch.device("cpu")
BRANCHES = {
    "vgg16": 0,
    "resnet18": 8,
    "resnet50": 16,
    "mobilenet_v2": 10,
    "mobilenet_v3_large": 10,
    "efficientnet_lite0": 9,
}


def gradient(backbone, factors):
    side = backbone.input_size
    pixels = torch.rand(len(factors), 3, side, side, generator=torch.Generator().manual_seed(1))
    pixels.requires_grad_()
    rows = None if set(factors) == {1.0} else torch.tensor(factors)
    with scaling_residual_gradients(backbone, rows):
        logits = backbone.logits(pixels)
    (found,) = torch.autograd.grad(logits[:, 0].sum(), pixels)
    return found


@pytest.mark.parametrize("key", BRANCHES)
def test_every_residual_branch_is_found(key):
    assert len(branch_ends(untrained(ROWS[key], CPU, seed=0).folded.body)) == BRANCHES[key]


def test_each_picture_is_scaled_by_its_own_factor():
    backbone = untrained(ROWS["resnet18"], CPU, seed=0).folded
    plain, mixed = gradient(backbone, [1.0, 1.0]), gradient(backbone, [1.0, 0.5])
    torch.testing.assert_close(mixed[0], plain[0], rtol=1e-3, atol=1e-7)
    assert not torch.allclose(mixed[1], plain[1], rtol=1e-2, atol=0)
    assert not any(module._forward_hooks for module in backbone.body.modules())


def test_a_factor_of_0_leaves_the_way_around_every_branch():
    backbone = untrained(ROWS["resnet18"], CPU, seed=0).folded
    without = gradient(backbone, [0.0])
    for end in branch_ends(backbone.body):
        end.register_forward_hook(lambda _module, _inputs, out: out.detach())
    torch.testing.assert_close(gradient(backbone, [1.0]), without, rtol=1e-3, atol=1e-9)
