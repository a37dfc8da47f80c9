"""One step of image optimisation, as plain functions of tensors.

Pixels from parameters, random views, the network, loss terms, the gradient, an update, a
constraint. Random numbers and coefficients come in ready, and nothing here waits for the device.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tl_core.backbones.backbone import Backbone
from tl_core.imageopt.augment import AffineViews
from tl_core.imageopt.branches import scaling_residual_gradients
from tl_core.imageopt.frozen.function import answers, frozen_body
from tl_core.imageopt.losses import (
    TERMS,
    ChannelObjective,
    NetworkOutput,
    recording,
    total_variation,
)
from tl_core.imageopt.optimisers import update
from tl_core.imageopt.pixels import Parameterisation
from tl_core.imageopt.randomness import view_noise
from tl_core.imageopt.slot import TensorMap, ViewTransform
from tl_core.machine.device import autocast_bf16


@dataclass(frozen=True)
class StackInputs:
    """The slots of one parameterisation."""

    parameterisation: Parameterisation
    state: Tensor  # (N, 4, ...), updated in place
    coefficients: Tensor  # rows of ``optimisers.coefficients``, (N, 9)
    gradient_maps: Sequence[TensorMap | None]
    constraints: Sequence[TensorMap | None]


@dataclass(frozen=True)
class NoiseInputs:
    """What ``randomness.view_noise`` takes for V views."""

    tiles: Tensor
    rows: Tensor
    draws: Tensor


@dataclass(frozen=True)
class PassInputs:
    """N slots with V views together, that go through the networks in one pass."""

    rows: slice  # of these slots among all
    terms: Sequence[str]
    weights: Tensor  # of the total variation and of ``terms``, (N, 1 + T)
    tv_reference: Tensor | None  # (N, 3, S, S)
    owners: Tensor  # row of the slot behind each view, (V,)
    shares: Tensor  # 1 / views of its slot, (V, 1)
    target_weights: Tensor  # (V, classes)
    channels: Sequence[ChannelObjective | None]  # of each view
    residual_factors: Tensor | None  # (V,); none: all are 1
    views: AffineViews
    transforms: Sequence[tuple[ViewTransform | None, Sequence[Sequence[float]]]]  # by slot; or ()
    noise: NoiseInputs | None
    is_bf16: bool


def take_step(
    backbones: Sequence[Backbone], stacks: Sequence[StackInputs], passes: Sequence[PassInputs]
) -> tuple[Tensor, Tensor]:
    """Advance every slot by one step; where memory is short, no state has changed yet.

    Returns:
        Figures (N, 2 + T): probability, total variation and the terms; and the pixels before the
        step, (N, 3, S, S).
    """
    leaves = [stack.state[:, 0].detach().requires_grad_() for stack in stacks]
    shown = zip(stacks, leaves, strict=True)
    pixels = torch.cat([stack.parameterisation.pixels(leaf) for stack, leaf in shown])
    found = [_pass(backbones, inputs, pixels.detach()[inputs.rows]) for inputs in passes]
    gradient, figures = (torch.cat(parts) for parts in zip(*found, strict=True))
    gradients = torch.autograd.grad(pixels, leaves, gradient)
    for stack, its_gradient in zip(stacks, gradients, strict=True):
        _update(stack, its_gradient)
    return figures, pixels.detach()


def _update(stack: StackInputs, gradient: Tensor) -> None:
    rows = zip(stack.gradient_maps, gradient[:, None], strict=True)
    mapped = [change(row) if change is not None else row for change, row in rows]
    update(stack.state, torch.cat(mapped), stack.coefficients)
    for row, constraint in enumerate(stack.constraints):
        if constraint is not None:
            parameters = stack.state[row : row + 1, 0]
            parameters.copy_(constraint(parameters))


def _pass(
    backbones: Sequence[Backbone], inputs: PassInputs, pixels: Tensor
) -> tuple[Tensor, Tensor]:
    """One forward and one backward pass: the gradient to the pixels, and the figures."""
    pixels.requires_grad_()
    figures = torch.zeros(len(pixels), 1 + len(inputs.terms), device=pixels.device)
    for backbone in backbones:
        output = network_output(backbone, inputs, _views(backbone, inputs, pixels))
        found = [_probability(output), *(TERMS[term](output) for term in inputs.terms)]
        of_views = torch.stack(found, dim=1) * inputs.shares / len(backbones)
        figures = figures.index_add(0, inputs.owners, of_views)
    changes = pixels if inputs.tv_reference is None else pixels - inputs.tv_reference
    figures = torch.cat([figures[:, :1], total_variation(changes)[:, None], figures[:, 1:]], dim=1)
    (gradient,) = torch.autograd.grad((inputs.weights * figures[:, 1:]).sum(), pixels)
    return gradient, figures.detach()


def _views(backbone: Backbone, inputs: PassInputs, pixels: Tensor) -> Tensor:
    """What the backbone is shown of every slot, (V, 3, side, side)."""
    if len(inputs.owners) > len(pixels):  # some slot has several views
        pixels = pixels[inputs.owners]
    views = inputs.views.of(pixels, backbone.input_size)
    if inputs.transforms:
        pieces = torch.split(views, [len(draws) for _, draws in inputs.transforms])
        rows = zip(inputs.transforms, pieces, strict=True)
        views = torch.cat([t(piece, draws) if t else piece for (t, draws), piece in rows])
    if inputs.noise is None:
        return views
    noise = inputs.noise
    return views + view_noise(noise.tiles, noise.rows, noise.draws, backbone.input_size)


def network_output(backbone: Backbone, inputs: PassInputs, views: Tensor) -> NetworkOutput:
    """Return what a folded network says of views (V, 3, side, side), as the terms ask for it.

    The fast way does not record channels, and is there on processors only; hooks and autograd do
    the same on all others, and are what its answers are held to.
    """
    output = NetworkOutput(inputs.target_weights)
    precise, backbone = backbone, backbone.in_bf16 if inputs.is_bf16 else backbone
    with_statistics = "statistics" in inputs.terms
    has_channels = any(channel is not None for channel in inputs.channels)
    frozen = None if has_channels else frozen_body(backbone, with_statistics=with_statistics)
    if frozen is not None:
        found = answers(precise, frozen, views, inputs.residual_factors)
        output.logits, output.statistics = found
        return output
    with (
        recording(backbone, output, inputs.channels, with_statistics=with_statistics),
        scaling_residual_gradients(backbone, inputs.residual_factors),
        autocast_bf16(views.device, enabled=inputs.is_bf16),
    ):
        output.logits = backbone.logits(views)
    output.logits = output.logits.float()
    return output


def _probability(output: NetworkOutput) -> Tensor:
    """Probability of the targets together."""
    return (output.logits.detach().softmax(1) * (output.target_weights > 0)).sum(1)
