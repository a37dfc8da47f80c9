"""What an attack may change: sets of pictures around a photograph, one for each norm.

A set is the constraint of one slot. ``adapt`` is told after each step whether the picture that the
network was shown is enough of a success, without anybody waiting for that. Below, what norms and
methods do to a gradient.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from tl_core.imageopt.pixels import PARAMETERISATIONS, Parameterisation
from tl_core.imageopt.reductions import length_of_each, mean_of_each


class LinfBox:
    """No value further than ``levels`` from the photograph, none outside [0, 1] (L-infinity)."""

    def __init__(self, original: Tensor, levels: float) -> None:
        self.original = original  # (1, 3, S, S) in [0, 1]
        self.levels = levels
        self.low = (original - levels / 255).clamp(0, 1)
        self.high = (original + levels / 255).clamp(0, 1)
        self.step_unit = levels / 255  # a step is a share of it

    @property
    def parameterisation(self) -> Parameterisation:
        """Of pictures in this set."""
        return PARAMETERISATIONS["eight_bit"]

    def __call__(self, parameters: Tensor) -> Tensor:
        """Return the nearest parameters in the set, (1, 3, S, S)."""
        return torch.minimum(torch.maximum(parameters, self.low), self.high)

    def adapt(self, is_enough: Tensor) -> None:
        """Grow or shrink with success, a truth value on the device; a fixed set does not."""


class L2Ball(LinfBox):
    """A box in which the change is also kept at one Euclidean length, as short as will do.

    Source:
        Rony et al. 2018, "Decoupling direction and norm", arXiv:1811.09600, algorithm 1.
    """

    def __init__(self, original: Tensor, levels: float, radius: float = 1.0) -> None:
        super().__init__(original, levels)
        self.step_unit = 1.0
        self.radius = torch.full((), radius, device=original.device)  # on values in [0, 1]
        self.rate = 0.05

    def __call__(self, parameters: Tensor) -> Tensor:
        """Return the change stretched or shrunk to the radius, then cut to the box."""
        change = parameters - self.original
        length = length_of_each(change).clamp_min(1e-12)
        return super().__call__(self.original + change * (self.radius / length))

    def adapt(self, is_enough: Tensor) -> None:
        """Shorten the change while it is enough, lengthen it while it is not."""
        self.radius = self.radius * grown(is_enough, self.rate)


def grown(is_enough: Tensor, rate: float) -> Tensor:
    """Return the factor on what shall shrink by a rate while it is enough, and else grow."""
    return torch.where(is_enough, 1 - rate, 1 + rate)


def l1_normalised(gradient: Tensor) -> Tensor:
    """Return the gradient (1, 3, S, S) divided by its mean size, so that all steps weigh the same.

    Source:
        Dong et al. 2017, arXiv:1710.06081.
    """
    return gradient / mean_of_each(gradient.abs()).clamp_min(1e-20)


def l2_normalised(gradient: Tensor) -> Tensor:
    """Return the gradient at Euclidean length 1."""
    return gradient / length_of_each(gradient).clamp_min(1e-20)


def blurred(pictures: Tensor, sigma: float) -> Tensor:
    """Return (N, 3, H, W) after a Gaussian blur of ``sigma`` pixels; edges are reflected.

    Of a gradient it is nearly the gradient of many shifted copies at once.

    Source:
        Dong et al. 2019, arXiv:1904.02884 (translation-invariant attacks).
    """
    if sigma == 0:
        return pictures
    radius = math.ceil(2.5 * sigma)
    at = torch.arange(-radius, radius + 1, device=pictures.device, dtype=pictures.dtype)
    kernel = torch.exp(-(at**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(3, 1, -1)
    padded = F.pad(pictures, (radius,) * 4, mode="reflect")
    across = F.conv2d(padded, kernel[:, :, None, :], groups=3)
    return F.conv2d(across, kernel[:, :, :, None], groups=3)
