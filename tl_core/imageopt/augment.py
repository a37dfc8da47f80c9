"""Random affine views: a network is shown a shifted, turned, zoomed or mirrored picture."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from tl_core.specs.recipe import RandomAffine


def limits(affine: RandomAffine, strength: float) -> tuple[float, ...]:
    """Return how far a view may move, as the row of numbers that ``affine_maps`` takes.

    Args:
        affine: The recipe's ranges.
        strength: Factor on them; at 0 nothing moves, and nothing is mirrored either.
    """
    return (
        affine.shift * strength,
        math.radians(affine.turn_deg) * strength,
        min(affine.zoom * strength, 0.9),
        0.5 if affine.mirrors and strength > 0 else 0.0,
    )


def affine_maps(draws: Tensor, limits: Tensor) -> Tensor:
    """Return one affine map per picture, for ``resample``.

    Args:
        draws: Uniform numbers in [0, 1), shape (N, at least 5): two shifts, a turn, a zoom, a
            mirror.
        limits: Rows of ``limits``, shape (N, 4).

    Returns:
        Maps from view to picture coordinates in [-1, 1], shape (N, 2, 3).
    """
    x, y, turn, zoom = (2 * draws[:, :4] - 1).unbind(1)
    shift, turn_limit, zoom_limit, mirror = limits.unbind(1)
    scale = 1 / (1 + zoom_limit * zoom)
    cos, sin = scale * torch.cos(turn_limit * turn), scale * torch.sin(turn_limit * turn)
    flip = torch.where(draws[:, 4] < mirror, -1.0, 1.0)
    # a shift of one side is 2 in these coordinates
    rows = (cos * flip, -sin, 2 * shift * x, sin * flip, cos, 2 * shift * y)
    return torch.stack(rows, dim=1).view(-1, 2, 3)


@dataclass(frozen=True)
class AffineViews:
    """Affine views of N pictures; a picture that does not move is only resized."""

    maps: Tensor | None  # (N, 2, 3); None: no picture moves
    is_moved: Tensor | None  # (N,); None: all do

    @classmethod
    def drawn(cls, draws: Tensor, limits: Tensor, moves: Sequence[bool]) -> "AffineViews":
        """Return the views of uniform ``draws`` (N, at least 5) within rows of ``limits`` (N, 4).

        ``moves`` says which rows are not all 0, for those who cannot read them.
        """
        if not any(moves):
            return cls(None, None)
        is_moved = None if all(moves) else limits.any(dim=1)
        return cls(affine_maps(draws, limits), is_moved)

    def of(self, pixels: Tensor, side: int) -> Tensor:
        """Return the view of each picture of pixels (N, 3, S, S), (N, 3, side, side)."""
        if self.maps is None:
            return resize(pixels, side)
        moved = resample(pixels, self.maps, side)
        if self.is_moved is None:
            return moved
        return torch.where(self.is_moved[:, None, None, None], moved, resize(pixels, side))


def resample(pixels: Tensor, maps: Tensor, side: int) -> Tensor:
    """Resample pixels (N, 3, S, S) along ``maps`` to (N, 3, side, side); edges are reflected."""
    middles = (2 * torch.arange(side, device=maps.device) + 1) / side - 1
    across, down, shift = maps[:, None, None].unbind(-1)  # each (N, 1, 1, 2)
    # a sum of two takes a twentieth of the time of affine_grid's product
    grid = (across * middles[:, None] + shift) + down * middles[:, None, None]
    return F.grid_sample(
        pixels, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )


def resize(pixels: Tensor, side: int) -> Tensor:
    """Return the whole pictures at another size; those of the right size stay as they are."""
    if pixels.shape[-1] == side:
        return pixels
    return F.interpolate(pixels, (side, side), mode="bilinear", antialias=True)
