"""How far the channels' means and variances are from those that batch norm met in training."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tl_core.backbones.folding import FoldedNorm
from tl_core.machine.device import constant

LARGEST_MAPS = 60_000  # values of one picture: wider maps cost time and gain nothing
_SMALLEST_SQUARE = 1e-12  # below it the root has no useful slope


def is_measurable(module: nn.Module) -> bool:
    """Whether a layer is a batch norm, folded or not, that knows statistics of its training."""
    is_norm = isinstance(module, nn.BatchNorm2d) and module.running_mean is not None
    return is_norm or isinstance(module, FoldedNorm)


@dataclass(frozen=True)
class UsualStatistics:
    """What layers met in training, as ``FoldedNorm`` explains it; all channels in one row."""

    shift: Tensor
    scale: Tensor
    variance: Tensor
    widths: tuple[int, ...]  # channels of each layer
    layers: Tensor  # the index of each channel's layer

    @classmethod
    def of(cls, norms: Sequence[nn.Module]) -> "UsualStatistics":
        """Return those of some layers."""
        rows = [_usual(norm) for norm in norms]
        shift, scale, variance = (torch.cat(parts) for parts in zip(*rows, strict=True))
        widths, device = tuple(len(row[0]) for row in rows), shift.device
        repeats = constant(widths, device).long()
        layers = torch.arange(len(widths), device=device)
        layers = layers.repeat_interleave(repeats, output_size=sum(widths))  # else it is waited for
        return cls(shift, scale, variance, widths, layers)

    def gap(self, mean: Tensor, variance: Tensor) -> Tensor:
        """Return the distance of each picture's channel statistics to the usual ones, (N,).

        The sum over the layers of the Euclidean distances of means and of variances, of the
        original layers' inputs: computed from the moments of the inputs of these layers, folded or
        not. Statistics are over one picture, so that pictures in a batch stay independent.

        Args:
            mean: Of each channel of all layers, in their order, (N, channels).
            variance: The same.

        Source:
            Yin et al. 2020, DeepInversion, arXiv:1912.08795.
        """
        gaps = torch.stack(
            [(mean - self.shift) * self.scale, variance * self.scale.square() - self.variance]
        )
        nothing = gaps.new_zeros(*gaps.shape[:2], len(self.widths))
        squares = nothing.scatter_add(2, self.layers.expand_as(gaps), gaps.square())
        gap: Tensor = squares.clamp_min(_SMALLEST_SQUARE).sqrt().sum(dim=(0, 2))
        return gap


def _usual(norm: nn.Module) -> tuple[Tensor, Tensor, Tensor]:
    """A layer's ``shift``, ``scale`` and ``variance``, as ``FoldedNorm`` explains them."""
    if isinstance(norm, FoldedNorm):
        return norm.shift, norm.scale, norm.variance
    buffers = dict(norm.named_buffers())
    mean = buffers["running_mean"]
    return mean, torch.ones_like(mean), buffers["running_var"]
