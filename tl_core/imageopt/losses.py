"""Loss terms on what a network says, one value per view, and the hooks that they need.

A term on the pixels themselves, as total variation is, has its place in `step.py`.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tl_core.backbones.backbone import Backbone
from tl_core.imageopt.reductions import mean_of_each
from tl_core.imageopt.statistics import LARGEST_MAPS, UsualStatistics, is_measurable


def total_variation(pixels: Tensor) -> Tensor:
    """Return the roughness of each picture; smooth pictures score near 0.

    Args:
        pixels: Values in [0, 1], shape (N, C, H, W).

    Returns:
        Mean absolute neighbour difference, rows plus columns, shape (N,).

    Raises:
        ValueError: If ``pixels`` is not 4-D.

    Source:
        Mahendran & Vedaldi 2015, arXiv:1412.0035; anisotropic L1 form.
    """
    if pixels.dim() != 4:
        raise ValueError(f"pixels must be (N, C, H, W), got {tuple(pixels.shape)}")
    roughness: Tensor = _TotalVariation.apply(pixels)
    return roughness


class _TotalVariation(torch.autograd.Function):
    """With a backward pass of half as many reads and writes as autograd's."""

    @staticmethod
    def forward(ctx: Any, pixels: Tensor) -> Tensor:
        ctx.save_for_backward(pixels)
        rows, columns = pixels.diff(dim=2), pixels.diff(dim=3)
        return mean_of_each(rows.abs_()) + mean_of_each(columns.abs_())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """Each pixel pulls at its neighbours by the sign of their difference."""
        (pixels,) = ctx.saved_tensors
        height, width = pixels.shape[2:]
        rows, columns = pixels.diff(dim=2).sign_(), pixels.diff(dim=3).sign_()
        pulls = F.pad(rows, (0, 0, 1, 1)).diff(dim=2).div_(-(height - 1) * width)
        pulls.add_(F.pad(columns, (1, 1)).diff(dim=3), alpha=-1 / ((width - 1) * height))
        return pulls.mul_((gradients[0] / pixels.shape[1])[:, None, None, None])


_NO_OTHER_CLASS = -100.0  # far below any logit, and finite where every class is a target
_Rectifier: TypeAlias = nn.ReLU | nn.ReLU6 | nn.Hardswish


@dataclass(frozen=True)
class ChannelObjective:
    """A channel of a layer, or with ``is_unit`` only its unit in the middle.

    While the ReLU at the layer's end gives 0, its input counts instead: behind the ReLU there
    would be no gradient, and the picture would stay grey.

    Source:
        Olah et al. 2017, Feature Visualization, doi:10.23915/distill.00007.
    """

    layer: str
    channel: int
    is_unit: bool = False

    def of(self, activations: Tensor) -> Tensor:
        """Return the mean activation of one picture's (C, H, W) or (C,); a scalar."""
        channel = activations[self.channel].float()
        if self.is_unit and channel.dim() == 2:
            return channel[channel.shape[0] // 2, channel.shape[1] // 2]
        return channel.mean()


@dataclass
class NetworkOutput:
    """What one network says of N views; ``target_weights`` (N, classes) is given."""

    target_weights: Tensor
    logits: Tensor = field(default_factory=lambda: torch.empty(0))
    activation: list[Tensor] = field(default_factory=list)  # of each view's channel
    statistics: Tensor = field(init=False)  # distance to those of batch norm, (N,)

    def __post_init__(self) -> None:
        # what a network without batch norm has
        self.statistics = self.target_weights.new_zeros(len(self.target_weights))


def _cross_entropy(output: NetworkOutput) -> Tensor:
    return -(output.logits.log_softmax(1) * output.target_weights).sum(1)


def _other_classes(output: NetworkOutput) -> Tensor:
    """Soft maximum of the other classes' logits (the logarithm of their summed exponentials)."""
    others = output.logits.masked_fill(output.target_weights > 0, _NO_OTHER_CLASS)
    return others.logsumexp(1)


def _odds(output: NetworkOutput) -> Tensor:
    """Logarithm of the odds against the targets; unlike -log p its slope does not vanish."""
    inside = output.logits.masked_fill(output.target_weights == 0, -math.inf).logsumexp(1)
    return _other_classes(output) - inside


def _margin(output: NetworkOutput) -> Tensor:
    """How far the best other class is above the best target; below 0, a target is on top."""
    is_target = output.target_weights > 0
    inside = output.logits.masked_fill(~is_target, -math.inf).amax(1)
    others: Tensor = output.logits.masked_fill(is_target, -math.inf).amax(1)
    return others - inside


TERMS: dict[str, Callable[[NetworkOutput], Tensor]] = {
    "logit": lambda output: -(output.logits * output.target_weights).sum(1),
    "cross_entropy": _cross_entropy,
    "odds": _odds,
    "margin": _margin,
    "other_classes": _other_classes,
    "activation": lambda output: -torch.stack(output.activation),
    "statistics": lambda output: output.statistics,
}


class _Moments(torch.autograd.Function):
    """Mean and variance of each channel, with a backward pass that reads the map only once.

    The same as ``torch.var_mean`` over height and width; on wide maps the plain one takes as long
    as the network itself.
    """

    @staticmethod
    def forward(ctx: Any, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and variance, each (N, C), of maps (N, C, H, W)."""
        pixels = maps.permute(0, 2, 3, 1).flatten(1, 2)  # (N, HW, C), a view if channels last
        count = pixels.shape[1]
        mean = pixels.sum(1) / count
        square = pixels.square().sum(1) / count
        ctx.save_for_backward(maps, mean)
        return mean, square - mean.square()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """D mean / dx = 1 / HW and d variance / dx = 2 (x - mean) / HW."""
        maps, mean = ctx.saved_tensors
        to_mean, to_variance = gradients
        count = maps.shape[2] * maps.shape[3]
        slope = 2 * to_variance / count
        offset = to_mean / count - slope * mean
        return torch.addcmul(offset[..., None, None], maps, slope[..., None, None])


def moments(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and variance over height and width, each (N, C), of maps (N, C, H, W)."""
    mean, variance = _Moments.apply(maps)
    return mean, variance


@contextmanager
def recording(
    backbone: Backbone,
    output: NetworkOutput,
    channels: Sequence[ChannelObjective | None],
    *,
    with_statistics: bool,
) -> Iterator[None]:
    """Record in ``output`` what the terms need of a network's layers at its next call."""
    modules = backbone.body.modules() if with_statistics else []
    norms = [module for module in modules if is_measurable(module)]
    layers = sorted({channel.layer for channel in channels if channel is not None})
    rectifiers = _rectifiers(backbone, layers)
    zero = torch.zeros((), device=output.target_weights.device)
    output.activation[:] = [zero] * len(channels)
    rectified: list[Tensor] = []  # what went into the last ReLU, and what came out
    found: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def record_norm(index: int, inputs: Tensor, _activations: Tensor) -> None:
        if inputs[0].numel() <= LARGEST_MAPS:
            found[norms[index]] = moments(inputs.float())

    def record_rectifier(_index: int, inputs: Tensor, activations: Tensor) -> None:
        rectified[:] = inputs, activations

    def record_layer(index: int, _inputs: Tensor, activations: Tensor) -> None:
        ends_rectified = bool(rectified) and activations is rectified[1]
        before = rectified[0] if ends_rectified else activations
        for row, channel in enumerate(channels):
            if channel is not None and channel.layer == layers[index]:
                # cloned, since a later in-place activation would change it
                value = channel.of(activations[row].clone())
                output.activation[row] = value.where(value > 0, channel.of(before[row].clone()))

    with (
        _out_of_place(rectifiers),
        backbone.hooked(norms, record_norm),
        backbone.hooked(rectifiers, record_rectifier),  # before the layers that end in them
        backbone.hooked(layers, record_layer),
    ):
        yield
    if found:
        mean, variance = (torch.cat(parts, dim=1) for parts in zip(*found.values(), strict=True))
        output.statistics = UsualStatistics.of(tuple(found)).gap(mean, variance)


def _rectifiers(backbone: Backbone, layers: Sequence[str]) -> list[_Rectifier]:
    """The ReLUs inside these layers."""
    inside = {module: None for layer in layers for module in backbone.layer(layer).modules()}
    return [module for module in inside if isinstance(module, _Rectifier)]


@contextmanager
def _out_of_place(modules: Sequence[_Rectifier]) -> Iterator[None]:
    """Keep modules from changing their input, until the end of the block.

    A folded network does so anyway; one without batch norm is not folded, and all jobs share it.
    """
    usual = [module.inplace for module in modules]
    for module in modules:
        module.inplace = False
    try:
        yield
    finally:
        for module, is_inplace in zip(modules, usual, strict=True):
            module.inplace = is_inplace
