import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn

from tests.handler import finish, make_context
from tl_core.backbones.backbone import Backbone
from tl_core.backbones.build import channel_counts, new_network, untrained
from tl_core.backbones.catalogue import CATALOGUE
from tl_core.context import Context
from tl_core.errors import UserError
from tl_core.feature_maps.activations import HALF_MAX, layer_of, maps_of, probe, stage_of, to_half

ROWS = {row.key: row for row in CATALOGUE}


def _hooked(network: nn.Module, inputs: Tensor, layers: list[str]) -> dict[str, Tensor]:
    """What plain forward hooks see."""
    seen: dict[str, Tensor] = {}

    def keep(layer: str):
        return lambda _module, _inputs, output: seen.update({layer: output.clone()})

    for layer in layers:
        network.get_submodule(layer).register_forward_hook(keep(layer))
    with torch.inference_mode():
        network(inputs)
    return seen


@pytest.mark.slow
@pytest.mark.parametrize("key", ["vgg16", "resnet50"])
def test_activations_are_those_of_plain_hooks_on_torchvisions_own_network(key: str):
    row = ROWS[key]
    backbone = untrained(row, torch.device("cpu"), seed=3)
    torch.manual_seed(3)
    network = torchvision.models.get_model(key, weights=None).eval()
    pixels = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    inputs = torchvision.transforms.functional.normalize(pixels, row.mean, row.std)
    layers = [stage.layer for stage in row.stages]
    plain = _hooked(network, inputs, layers)
    seen = probe(backbone, pixels, layers)
    assert list(seen) == layers
    for layer in layers:
        most = float(plain[layer].abs().max())
        torch.testing.assert_close(seen[layer], plain[layer], rtol=0, atol=1e-4 * most)


def test_activations_of_lite0_are_those_of_plain_hooks(lite0: Backbone, cat: Tensor):
    layers = [stage.layer for stage in lite0.row.stages]
    network = new_network(lite0.row).eval()
    network.load_state_dict(lite0.body.state_dict(), strict=False)  # all but the classifier
    plain = _hooked(network, lite0.normalise(cat), layers)
    seen = probe(lite0, cat, layers)
    for layer in layers:
        torch.testing.assert_close(seen[layer], plain[layer], rtol=1e-4, atol=1e-5)


def test_the_counts_of_channels_are_those_of_the_maps(lite0: Backbone, cat: Tensor):
    counts = channel_counts(lite0.row)
    seen = probe(lite0, cat, list(counts))
    assert counts == {layer: maps.shape[1] for layer, maps in seen.items()}


def test_an_in_place_relu_does_not_reach_what_was_seen():
    backbone = untrained(ROWS["vgg16"], torch.device("cpu"), seed=0)
    seen = probe(backbone, torch.rand(1, 3, 224, 224), ["features.0", "features.1"])
    assert seen["features.0"].min() < 0
    assert torch.equal(seen["features.0"].relu(), seen["features.1"])


def test_half_precision_clamps_what_it_cannot_hold():
    half = to_half(torch.tensor([[[1e6, -1e6, 0.1]]]))
    assert half.dtype == np.float16
    assert half[0, 0, 0] == HALF_MAX
    assert half[0, 0, 1] == -HALF_MAX
    assert half[0, 0, 2] == pytest.approx(0.1, rel=2**-11)


def test_all_stages_come_from_one_pass_that_is_not_repeated(context: Context, lite0: Backbone):
    context = make_context(context.backbones)
    passes = []
    handle = lite0.body.register_forward_pre_hook(lambda *_: passes.append(1))
    try:
        first = finish(maps_of(context, "sample:cat", lite0.key))
        again = finish(maps_of(context, "sample:cat", lite0.key))
        layer = finish(layer_of(context, "sample:cat", lite0.key, "bn2"))
    finally:
        handle.remove()
        context.pool.close()
    assert first is again
    assert layer is first["bn2"]
    assert list(first) == [stage.layer for stage in lite0.row.stages]
    assert len(passes) == 1
    assert context.activations.size_bytes == sum(half.nbytes for half in first.values())


def test_a_layer_alone_equals_the_layer_among_all(context: Context, lite0: Backbone):
    context = make_context(context.backbones)
    alone = finish(layer_of(context, "sample:cat", lite0.key, "blocks.2.1"))
    among = finish(maps_of(context, "sample:cat", lite0.key))
    context.pool.close()
    assert np.array_equal(alone, among["blocks.2.1"])


def test_an_unknown_layer_is_refused_with_the_choices():
    assert stage_of(ROWS["vgg16"], "").layer == "features.1"
    with pytest.raises(UserError, match=r"no layer features\.2 .* features\.1, "):
        stage_of(ROWS["vgg16"], "features.2")
