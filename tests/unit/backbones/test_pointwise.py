import pytest
import torch
import torchvision

from tests.cores import computing_on
from tl_core.backbones.backbone import Backbone
from tl_core.backbones.build import untrained
from tl_core.backbones.catalogue import CATALOGUE
from tl_core.backbones.pointwise import Pointwise, use_products
from tl_core.backbones.store import BackboneStore
from tl_core.settings import Settings

CPU = torch.device("cpu")
ROWS = {row.key: row for row in CATALOGUE}


def backbone_of(key: str) -> Backbone:
    if key.startswith("efficientnet"):
        return BackboneStore(Settings.from_env(), CPU).load(key)
    return untrained(ROWS[key], CPU, seed=0)


@pytest.mark.parametrize("key", ["efficientnet_lite0", "mobilenet_v2", "resnet18"])
def test_an_answer_is_the_same_on_any_number_of_cores_and_its_gradient_but_for_rounding(
    key: str,
) -> None:
    backbone = backbone_of(key)
    size = backbone.input_size
    seen = []
    for cores in (1, 2):
        pixels = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(1))
        pixels.requires_grad_()
        with computing_on(cores):
            logits = backbone.logits(pixels)
            seen.append((logits.detach(), *torch.autograd.grad(logits[0, 5], pixels)))
    (answer, gradient), (same_answer, same_gradient) = seen
    assert torch.equal(answer, same_answer)
    # oneDNN's convolutions with strides sum backwards as the cores share them, on some processors
    scale = gradient.abs().max().item()
    torch.testing.assert_close(same_gradient, gradient, rtol=0, atol=1e-5 * scale)


def test_the_parameters_keep_their_names_and_values() -> None:
    network = torchvision.models.get_model("mobilenet_v2", weights=None)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    after = use_products(network).state_dict()
    assert any(isinstance(module, Pointwise) for module in network.modules())
    assert list(before) == list(after)
    assert all(torch.equal(before[name], after[name]) for name in before)
