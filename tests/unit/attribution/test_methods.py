from collections import Counter
from typing import Any

import captum.attr
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from tl_core.attribution import methods as attribution_methods
from tl_core.attribution.methods import METHODS
from tl_core.attribution.pixel_model import PixelModel
from tl_core.backbones.backbone import Backbone
from tl_core.backbones.build import new_network, untrained
from tl_core.backbones.catalogue import CATALOGUE, BackboneRow
from tl_core.specs.attribution import ATTRIBUTION_METHODS, Attribute
from tl_core.training.initial import pixels_row

ROWS = {row.key: row for row in CATALOGUE}
TARGETS = (282, 285)


def _options(**changed) -> Attribute:
    chosen: dict[str, Any] = {"targets": TARGETS, "layer": "bn2", "steps": 8, "noise_samples": 0}
    return Attribute(photo="", **chosen | {"patch": 64, "seed": 5} | changed)


def _run(key: str, network: PixelModel, pixels: Tensor, options: Attribute) -> Tensor:
    """The maps; on the way, the announced number of slices is checked."""
    work, slices = METHODS[key].run(network, pixels, options), 0
    while True:
        try:
            next(work)
        except StopIteration as end:
            assert slices == METHODS[key].slices(options, pixels.shape[-1])
            return end.value
        slices += 1


def _hooks(network: nn.Module) -> int:
    return sum(
        len(module._forward_hooks) + len(module._forward_pre_hooks) + len(module._backward_hooks)
        for module in network.modules()
    )


@pytest.fixture(scope="module")
def network(lite0: Backbone) -> PixelModel:
    return PixelModel(lite0)


@pytest.fixture(scope="module")
def small_vgg() -> PixelModel:
    """VGG-16's features with random weights on a small picture."""
    backbone = untrained(ROWS["vgg16"], torch.device("cpu"), seed=0)
    backbone.body.classifier = nn.Identity()
    backbone.body.avgpool = nn.AdaptiveAvgPool2d(1)
    with torch.random.fork_rng():
        torch.manual_seed(0)  # some heads see nothing at all
        head = nn.Linear(512, 10).requires_grad_(False)
    return PixelModel(Backbone(**vars(backbone) | {"head": head}))


def test_every_row_of_the_table_has_its_method():
    assert set(METHODS) == {row.key for row in ATTRIBUTION_METHODS}
    assert len({row.key for row in ATTRIBUTION_METHODS}) == len(ATTRIBUTION_METHODS)


@pytest.mark.slow
def test_integrated_gradients_equal_captums_on_captums_points(
    network: PixelModel, cat: Tensor, monkeypatch: pytest.MonkeyPatch
):
    from captum.attr._utils.approximation_methods import approximation_parameters

    sizes, alphas = approximation_parameters("gausslegendre")
    monkeypatch.setattr(
        attribution_methods,
        "integration_path",
        lambda steps: (torch.tensor(alphas(steps)), torch.tensor(sizes(steps))),
    )
    ours = _run("integrated_gradients", network, cat, _options())
    oracle = captum.attr.IntegratedGradients(network)
    for values, target in zip(ours, TARGETS, strict=True):
        leaf = cat.clone().requires_grad_()
        theirs = oracle.attribute(leaf, network.baseline(cat), target, n_steps=8)
        torch.testing.assert_close(values, theirs.detach().sum(1)[0].float(), rtol=1e-3, atol=2e-4)


def test_the_noise_tunnel_is_the_mean_over_its_noisy_copies(network: PixelModel, cat: Tensor):
    options = _options(noise_samples=2, targets=(282,), steps=4)
    copies = attribution_methods.noisy_copies(cat, options)
    alone = _options(targets=(282,), steps=4)
    maps = [_run("integrated_gradients", network, copy, alone) for copy in copies]
    both = _run("integrated_gradients", network, cat, options)
    torch.testing.assert_close(both, (maps[0] + maps[1]) / 2)
    assert not torch.equal(copies[0], copies[1])


@pytest.mark.slow
def test_occlusion_equals_captums(network: PixelModel, cat: Tensor):
    ours = _run("occlusion", network, cat, _options())
    oracle = captum.attr.Occlusion(network.probabilities)
    for values, target in zip(ours, TARGETS, strict=True):
        theirs = oracle.attribute(
            cat, (3, 64, 64), (3, 32, 32), network.baseline(cat), target, perturbations_per_eval=4
        )
        torch.testing.assert_close(values, theirs[0, 0].float(), rtol=1e-3, atol=1e-5)


@pytest.fixture(scope="module")
def contrasted(lite0: Backbone) -> PixelModel:
    """Scores over class 254."""
    return PixelModel(lite0, contrast=254)


def _differences(network: PixelModel):
    """What Captum is asked to explain: how far each target's logit exceeds that of class 254."""

    def forward(pixels: Tensor) -> Tensor:
        logits = network(pixels)
        return torch.stack([logits[:, target] - logits[:, 254] for target in TARGETS], dim=1)

    return forward


@pytest.mark.slow
def test_a_contrast_by_integrated_gradients_is_captums_of_the_difference(
    network: PixelModel, contrasted: PixelModel, cat: Tensor, monkeypatch: pytest.MonkeyPatch
):
    points = (torch.arange(8) + 0.5) / 8
    monkeypatch.setattr(
        attribution_methods, "integration_path", lambda _: (points, torch.full((8,), 1 / 8))
    )
    ours = _run("integrated_gradients", contrasted, cat, _options(contrast=254))
    oracle = captum.attr.IntegratedGradients(_differences(network))
    for index, values in enumerate(ours):
        leaf = cat.clone().requires_grad_()
        theirs = oracle.attribute(
            leaf, network.baseline(cat), index, n_steps=8, method="riemann_middle"
        )
        torch.testing.assert_close(values, theirs.detach().sum(1)[0].float(), rtol=1e-3, atol=2e-4)


@pytest.mark.slow
def test_a_contrast_by_occlusion_is_captums_of_the_difference(
    network: PixelModel, contrasted: PixelModel, cat: Tensor
):
    ours = _run("occlusion", contrasted, cat, _options(contrast=254))
    oracle = captum.attr.Occlusion(_differences(network))
    for index, values in enumerate(ours):
        with torch.no_grad():
            theirs = oracle.attribute(
                cat,
                (3, 64, 64),
                (3, 32, 32),
                network.baseline(cat),
                index,
                perturbations_per_eval=4,
            )
        torch.testing.assert_close(values, theirs[0, 0].float(), rtol=1e-3, atol=1e-4)


def test_a_contrast_by_grad_cam_is_captums_of_the_difference(
    network: PixelModel, contrasted: PixelModel, cat: Tensor
):
    ours = _run("gradcam", contrasted, cat, _options(contrast=254))
    twin = network.copy_sharing_weights()
    oracle = captum.attr.LayerGradCam(_differences(twin), twin.body.get_submodule("bn2"))
    for index, values in enumerate(ours):
        coarse = oracle.attribute(cat.clone().requires_grad_(), index, relu_attributions=True)
        theirs = nn.functional.interpolate(coarse.detach(), (224, 224), mode="bilinear")[0, 0]
        torch.testing.assert_close(values, theirs, rtol=1e-3, atol=1e-5)


def test_a_contrast_by_guided_grad_cam_is_that_of_a_head_of_differences(small_vgg: PixelModel):
    pixels = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    backbone = small_vgg.backbone
    head = nn.Linear(512, 10).requires_grad_(False)
    for weight, original in zip(head.parameters(), backbone.head.parameters(), strict=True):
        weight.copy_(original - original[5])
    options = _options(targets=(3,), layer="features.29", contrast=5)
    ours = _run("guided_gradcam", PixelModel(backbone, contrast=5), pixels, options)
    by_hand = PixelModel(Backbone(**vars(backbone) | {"head": head}))
    theirs = _run("guided_gradcam", by_hand, pixels, options)
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-9)
    assert ours.abs().max() > 0


def test_a_share_is_that_of_two_probabilities(
    network: PixelModel, contrasted: PixelModel, cat: Tensor
):
    probs = network.probabilities(cat)[0]
    assert float(contrasted.shares(cat)[0, 282]) == pytest.approx(
        float(probs[282] / (probs[282] + probs[254])), rel=1e-4
    )
    assert torch.equal(network.shares(cat), network.probabilities(cat))


def test_occlusion_covers_the_last_pixels_of_an_uneven_side(small_vgg: PixelModel):
    pixels = torch.rand(1, 3, 50, 50, generator=torch.Generator().manual_seed(0))
    maps = _run("occlusion", small_vgg, pixels, _options(targets=(1,), patch=16))
    assert maps.shape == (1, 50, 50)
    assert maps.isfinite().all()


def test_grad_cam_is_its_formula(network: PixelModel, cat: Tensor):
    seen: list[Tensor] = []
    pixels = cat.clone().requires_grad_()
    with network.backbone.hooked(["bn2"], lambda _i, _x, activations: seen.append(activations)):
        score = network(pixels)[0, 282]
    (gradient,) = torch.autograd.grad(score, seen[0])
    coarse = (gradient.mean((2, 3), keepdim=True) * seen[0]).sum(1, keepdim=True).relu()
    expected = nn.functional.interpolate(coarse, (224, 224), mode="bilinear")[0, 0].detach()
    ours = _run("gradcam", network, cat, _options())
    torch.testing.assert_close(ours[0], expected, rtol=1e-4, atol=1e-6)


def test_guided_grad_cam_is_its_formula(small_vgg: PixelModel):
    pixels = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    options = _options(targets=(3,), layer="features.29")
    ours = _run("guided_gradcam", small_vgg, pixels, options)[0]
    cam = _run("gradcam", small_vgg, pixels, options)[0]

    twin = small_vgg.copy_sharing_weights()
    for module in twin.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.ReLU):
                setattr(module, name, _Guided())
    leaf = pixels.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(twin(leaf)[0, 3], leaf)
    torch.testing.assert_close(ours, (gradient * cam).sum(1)[0], rtol=1e-3, atol=1e-9)
    assert ours.abs().max() > 0


class _GuidedRelu(torch.autograd.Function):
    @staticmethod
    def forward(context, inputs):
        context.save_for_backward(inputs)
        return inputs.clamp(min=0)

    @staticmethod
    def backward(context, gradient):
        (inputs,) = context.saved_tensors
        return gradient.clamp(min=0) * (inputs > 0)


class _Guided(nn.Module):
    def forward(self, inputs):
        return _GuidedRelu.apply(inputs)


@pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: row.key)
def test_every_row_says_what_keeps_guided_methods_from_being_right(row: BackboneRow):
    with torch.device("meta"):
        network, pixels = new_network(row).eval(), torch.zeros(1, 3, row.input_size, row.input_size)
    assert _guided_obstacle(network, pixels) == row.guided_obstacle


def test_guided_methods_are_right_on_raw_pixels():
    row = pixels_row(ROWS["resnet18"])
    assert _guided_obstacle(new_network(row), torch.zeros(1, 3, 64, 64)) == row.guided_obstacle


def test_a_functional_relu_is_an_obstacle(small_vgg: PixelModel):
    twin = small_vgg.copy_sharing_weights()
    twin.head = nn.Sequential(_Functional(), twin.head)
    assert _guided_obstacle(twin, torch.zeros(1, 3, 64, 64)) == "a ReLU that is no module"


_ACTIVATIONS = {  # torch's operation, and what people call it
    "relu": "ReLU",
    "hardtanh": "ReLU6",
    "hardswish": "Hardswish",
    "hardsigmoid": "Hardsigmoid",
    "gelu": "GELU",
    "silu": "SiLU",
    "sigmoid": "sigmoid",
    "leaky_relu": "Leaky ReLU",
    "elu": "ELU",
}


def _guided_obstacle(network: nn.Module, pixels: Tensor) -> str:
    """What is not an ``nn.ReLU`` of its own among the activations of one forward pass."""
    calls: Counter[nn.Module] = Counter()
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_pre_hook(lambda relu, _inputs: calls.update([relu]))
    counting = _CountActivations()
    with torch.no_grad(), counting:
        network(pixels)
    others = sorted(counting.seen.keys() - {"ReLU"})
    if others:
        return ", ".join(others)
    if counting.seen["ReLU"] != calls.total():
        return "a ReLU that is no module"
    return "a ReLU used several times" if max(calls.values(), default=0) > 1 else ""


class _CountActivations(TorchDispatchMode):
    """Counts the activation functions that run, module or not."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__.rstrip("_")  # in place or not
        if name in _ACTIVATIONS:
            self.seen[_ACTIVATIONS[name]] += 1
        return func(*args, **(kwargs or {}))


class _Functional(nn.Module):
    def forward(self, inputs):
        return nn.functional.relu(inputs)


@pytest.mark.parametrize("key", ["gradcam", "integrated_gradients", "occlusion"])
def test_a_map_is_the_same_bit_for_bit(key: str, network: PixelModel, cat: Tensor):
    options = _options(targets=(282,), steps=4, noise_samples=1, patch=128)
    first, second = (_run(key, network, cat, options) for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize("key", ["gradcam", "guided_gradcam"])
def test_no_hook_reaches_the_shared_network_even_after_a_failure(key: str, small_vgg: PixelModel):
    pixels = torch.rand(1, 3, 64, 64)
    options = _options(targets=(99,), layer="features.29")  # there are 10 classes
    with pytest.raises((AssertionError, IndexError)):
        _run(key, small_vgg, pixels, options)
    assert _hooks(small_vgg) == 0
    twin = small_vgg.copy_sharing_weights()
    assert twin.backbone is small_vgg.backbone
    pairs = zip(twin.parameters(), small_vgg.parameters(), strict=True)
    assert all(mine is yours for mine, yours in pairs)
