"""Attacks that move few values: every value by one budget or not at all."""

import torch
from torch import Tensor

from tl_core.imageopt.attack_limits import Box
from tl_core.imageopt.pixels import Parameterisation


class Few(Box, Parameterisation):
    """A box of which only ``count`` values are used, each to its full extent (L0).

    Parameters are scores (1, 3, S, S): the ``count`` values with the largest scores move, in the
    direction of their sign. A step adds the gradient to the scores, and old gradients fade, so
    that the picture is always a corner of the budget (Frank-Wolfe, with a fading average).
    """

    def __init__(self, original: Tensor, levels: float) -> None:
        super().__init__(original, levels)
        self.unit = 1.0
        self.count = float(original.numel())
        self.fading = 0.9
        self.pace = 0.1

    @property
    def parameterisation(self) -> Parameterisation:
        """This limit: each has its own photograph and count."""
        return self

    def noise(self, side: int, generator: torch.Generator) -> Tensor:
        """Return scores that say nothing yet."""
        return torch.zeros(3, side, side, device=generator.device)

    def encode(self, pixels: Tensor) -> Tensor:
        """Return the change as scores."""
        return pixels - self.original

    def pixels(self, parameters: Tensor) -> Tensor:
        """Return the photograph with the values moved that have the largest scores."""
        scores = parameters.detach()
        ends = torch.where(scores > 0, self.high, self.low)
        weights = scores.abs() * (ends != self.original)
        count = max(round(self.count), 1)
        chosen = weights.flatten().topk(count).indices
        is_chosen = torch.zeros_like(weights.flatten()).scatter_(0, chosen, 1).view_as(weights)
        moved = torch.where((is_chosen > 0) & (weights > 0), ends, self.original)
        return torch.round(moved * 255) / 255 + (parameters - scores)

    def __call__(self, parameters: Tensor) -> Tensor:
        """Let old scores fade."""
        return parameters * self.fading

    def adapt(self, *, is_reached: bool) -> None:
        """Allow fewer values while the network is fooled, more while it is not."""
        factor = 1 - self.pace if is_reached else 1 + self.pace
        self.count = min(max(self.count * factor, 1.0), float(self.original.numel()))
