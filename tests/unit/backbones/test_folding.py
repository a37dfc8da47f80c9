import pytest
import torch
from torch import nn

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.build import untrained
from tl_core.backbones.catalogue import CATALOGUE
from tl_core.backbones.folding import FoldedNorm, Strided
from tl_core.backbones.store import BackboneStore
from tl_core.imageopt.losses import NetworkOutput, recording
from tl_core.imageopt.statistics import LARGEST_MAPS
from tl_core.settings import Settings
from tl_core.training.sharing import batch_norms

CPU = torch.device("cpu")
ROWS = {row.key: row for row in CATALOGUE}


@pytest.fixture(scope="module")
def lite0() -> Backbone:
    return BackboneStore(Settings.from_env(), CPU).load("efficientnet_lite0")


def picture(backbone: Backbone) -> torch.Tensor:
    size = backbone.input_size
    return torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("key", ["mobilenet_v2", "mobilenet_v3_large", "resnet18", "resnet50"])
def test_folding_changes_no_answer(key: str) -> None:
    backbone = untrained(ROWS[key], CPU, seed=0)
    folded = backbone.folded
    assert any(isinstance(m, FoldedNorm) for m in folded.body.modules())
    assert not any(isinstance(m, nn.BatchNorm2d) for m in folded.body.modules())
    with torch.no_grad():
        torch.testing.assert_close(
            folded.logits(picture(backbone)),
            backbone.logits(picture(backbone)),
            rtol=1e-3,
            atol=1e-4,
        )


@pytest.mark.parametrize("key", ["mobilenet_v2", "efficientnet_lite0"])
def test_half_precision_skips_the_same_pixels(key: str, lite0: Backbone) -> None:
    backbone = lite0 if key == lite0.key else untrained(ROWS[key], CPU, seed=0)
    strided = [m for m in backbone.folded.body.modules() if isinstance(m, Strided)]
    assert len(strided) == 4
    for module in strided:
        maps = torch.rand(2, module.conv.in_channels, 12, 12).requires_grad_()
        plain = module.conv(maps)
        with torch.autocast("cpu", torch.bfloat16):
            half = module(maps)
        torch.testing.assert_close(half.float(), plain, rtol=0.03, atol=0.03)
        gradients = [torch.autograd.grad(out.float().sum(), maps)[0] for out in (plain, half)]
        torch.testing.assert_close(gradients[1], gradients[0], rtol=0.03, atol=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("key", ["vgg16", "resnet18", "efficientnet_lite0"])
def test_weights_in_bfloat16_give_the_answers_that_autocast_gives(
    key: str, lite0: Backbone
) -> None:
    backbone = lite0 if key == lite0.key else untrained(ROWS[key], CPU, seed=0)
    pixels, folded = picture(backbone), backbone.folded
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(folded.in_bf16.logits(pixels), folded.logits(pixels))
    wide = [
        module
        for one in (folded.in_bf16.body, folded.in_bf16.head)
        for module in one.modules()
        if isinstance(module, nn.Conv2d | nn.Linear) and module.weight.dtype != torch.bfloat16
    ]
    assert not wide
    assert folded.logits(pixels).dtype == torch.float32


def test_a_network_without_batch_norm_stays_as_it_is() -> None:
    backbone = untrained(ROWS["vgg16"], CPU, seed=0)
    assert backbone.folded.body is backbone.body


def test_a_trained_networks_gradient_is_the_same(lite0: Backbone) -> None:
    gradients: list[torch.Tensor] = []
    for network in (lite0, lite0.folded):
        pixels = picture(lite0).requires_grad_()
        gradients += torch.autograd.grad(network.logits(pixels)[0, 281], pixels)
    alike = torch.cosine_similarity(gradients[0].flatten(), gradients[1].flatten(), dim=0)
    assert alike > 0.9999  # a rounding may move a value across the corner of an activation


def test_the_statistics_are_those_of_the_batch_norm_layers(lite0: Backbone) -> None:
    by_hand: list[float] = []

    def see(index: int, maps: torch.Tensor, _activations: torch.Tensor) -> None:
        norm = batch_norms(lite0.body)[index]
        assert norm.running_mean is not None
        assert norm.running_var is not None
        if maps.numel() <= LARGEST_MAPS:
            variance, mean = torch.var_mean(maps[0], dim=(1, 2), correction=0)
            gaps = (mean - norm.running_mean, variance - norm.running_var)
            by_hand.append(sum(float(gap.norm()) for gap in gaps))

    with torch.no_grad(), lite0.hooked(batch_norms(lite0.body), see):
        lite0.embed(picture(lite0))
    seen = NetworkOutput(torch.zeros(1, 1000))
    with torch.no_grad(), recording(lite0.folded, seen, [None], with_statistics=True):
        lite0.folded.embed(picture(lite0))
    assert len(by_hand) > 20
    assert seen.statistics is not None
    assert seen.statistics.tolist() == pytest.approx([sum(by_hand)], rel=1e-4)


@pytest.mark.parametrize("key", ["resnet18", "efficientnet_lite0"])
def test_the_statistics_of_every_architecture_have_a_gradient(key: str, lite0: Backbone) -> None:
    backbone = lite0 if key == lite0.key else untrained(ROWS[key], CPU, seed=0)
    pixels, seen = picture(backbone).requires_grad_(), NetworkOutput(torch.zeros(1, 1000))
    with recording(backbone.folded, seen, [None], with_statistics=True):
        backbone.folded.embed(pixels)
    assert seen.statistics is not None
    (gradient,) = torch.autograd.grad(seen.statistics.sum(), pixels)
    assert gradient.abs().sum() > 0
