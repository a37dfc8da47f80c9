"""Attacks that move few values: every value by one budget or not at all."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from tl_core.attack.constraints import LinfBox, grown
from tl_core.attack.success import ClassGoal
from tl_core.backbones.backbone import Backbone
from tl_core.imageopt.eight_bit import rounded, straight_through
from tl_core.imageopt.pixels import Parameterisation

_HALVINGS = 32  # to a number's own precision


class L0Set(LinfBox, Parameterisation):
    """A box of which only ``count`` values are used, each to its full extent (L0).

    Parameters are scores (1, 3, S, S): the ``count`` values with the largest scores move, in the
    direction of their sign. A step adds the gradient to the scores, and old gradients decay, so
    that the picture is always a corner of the set (Frank-Wolfe, with a decaying average).
    """

    def __init__(self, original: Tensor, levels: float) -> None:
        super().__init__(original, levels)
        self.step_unit = 1.0
        self.count = torch.full((), float(original.numel()), device=original.device)
        self.decay = 0.9
        self.rate = 0.1

    @property
    def parameterisation(self) -> Parameterisation:
        """This set itself: each has its own photograph and count."""
        return self

    def noise(self, side: int, seed: int) -> Tensor:
        """Return scores of 0."""
        return torch.zeros(3, side, side)

    def encode(self, pixels: Tensor) -> Tensor:
        """Return the change as scores."""
        return pixels - self.original

    def pixels(self, parameters: Tensor) -> Tensor:
        """Return the photograph with the values moved that have the largest scores."""
        scores = parameters.detach()
        ends = torch.where(scores > 0, self.high, self.low)
        weights = scores.abs() * (ends != self.original)
        moved = torch.where(weights > _bound(weights, self.count.round()), ends, self.original)
        return straight_through(parameters, rounded(moved))

    def __call__(self, parameters: Tensor) -> Tensor:
        """Let old scores decay."""
        return parameters * self.decay

    def adapt(self, is_enough: Tensor) -> None:
        """Allow fewer values while they are enough, more while they are not."""
        count = self.count * grown(is_enough, self.rate)
        self.count = count.clamp(1.0, float(self.original.numel()))


def _bound(weights: Tensor, count: Tensor) -> Tensor:
    """Return a number that ``count`` of the weights exceed, or nearly so many where some are equal.

    Halves the range again and again: a sixth of the time of sorting, and without a value that the
    host would have to know.
    """
    low, high = weights.new_zeros(()), weights.max()
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_enough = (weights > middle).sum() <= count
        low, high = torch.where(is_enough, low, middle), torch.where(is_enough, middle, high)
    return high


class Thinning:
    """Takes values back out of a successful change, the least useful first, while it still works.

    Each round asks for the gradient once and tries several amounts in one forward pass.
    """

    def __init__(
        self, backbone: Backbone, original: Tensor, picture: Tensor, goal: ClassGoal
    ) -> None:
        self.backbone = backbone
        self.original = original  # (1, 3, S, S) in [0, 1]
        self.change = picture - original
        self.goal = goal
        self.queries = 0
        self.is_over = self.count == 0

    @property
    def count(self) -> int:
        """How many values move; waits for the device."""
        return int(self.change.count_nonzero())

    def step(self) -> None:
        """Take out the largest of the amounts that leaves the goal on top; over if none does."""
        amounts = sorted({max(round(self.count * share), 1) for share in _SHARES}, reverse=True)
        tries = thinned(self.change, self._contributions(), amounts)
        with torch.inference_mode():
            logits = self.backbone.logits(self.original + tries).float()
        self.queries += 1 + len(amounts)
        good = [row for row in range(len(amounts)) if self._holds(logits[row])]
        self.is_over = not good
        if good:
            self.change = tries[good[0] : good[0] + 1].clone()

    def _holds(self, logits: Tensor) -> bool:
        """Whether the goal stays on top, with a little to spare for another batch size."""
        return self.goal.is_reached(logits) and float(self._margin(logits)) < -_SPARE

    def _margin(self, logits: Tensor) -> Tensor:
        is_target = self.goal.weights(len(logits), logits.device) > 0
        return (logits[~is_target].max() - logits[is_target].max()) * self.goal.sign

    def _contributions(self) -> Tensor:
        """How much each moved value helps, to first order, (1, 3, S, S)."""
        pixels = (self.original + self.change).requires_grad_()
        margin = self._margin(self.backbone.logits(pixels).float()[0])
        (gradient,) = torch.autograd.grad(margin, pixels)
        return -gradient * self.change


_SHARES = (0.5, 0.25, 0.12, 0.06, 0.03, 0.015, 0.007, 0.003)
_SPARE = 1e-3  # logits


def thinned(changes: Tensor, contributions: Tensor, counts: Sequence[int]) -> Tensor:
    """Undo the changes that contribute least.

    Args:
        changes: What was added to the photograph, (1, 3, S, S).
        contributions: How much each helps, the same shape.
        counts: How many to undo, one number for each candidate.

    Returns:
        The candidates' changes, (len(counts), 3, S, S).
    """
    flat = changes.flatten()
    ranks = contributions.flatten().masked_fill(flat == 0, math.inf).argsort().argsort()
    kept = [torch.where(ranks < count, 0, flat) for count in counts]
    return torch.stack(kept).view(len(counts), *changes.shape[1:])
