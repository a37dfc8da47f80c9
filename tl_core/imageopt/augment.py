"""Random views: each network looks at a shifted, turned, zoomed or mirrored picture."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from tl_core.specs import Camera

DRAWS = 5  # random numbers a view takes: two shifts, a turn, a zoom, a mirror


def limits(camera: Camera, strength: float) -> tuple[float, ...]:
    """Return how far a view may move, as the row of numbers that ``views`` takes.

    Args:
        camera: The recipe's camera.
        strength: Factor on how far it moves; 0 holds it still, and so does not mirror either.
    """
    return (
        camera.shift * strength,
        math.radians(camera.turn_deg) * strength,
        min(camera.zoom * strength, 0.9),
        0.5 if camera.mirrors and strength > 0 else 0.0,
    )


def views(draws: Tensor, limits: Tensor) -> Tensor:
    """Return one affine map per picture, for ``look``.

    Args:
        draws: Uniform numbers in [0, 1), shape (N, DRAWS).
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


def shown(pixels: Tensor, draws: Tensor, limits: Sequence[Sequence[float]], side: int) -> Tensor:
    """Return each view of pixels (N, 3, S, S), (N, 3, side, side).

    A view that is held still is only resized, whatever the others do.

    Args:
        pixels: The picture of each view.
        draws: Uniform numbers, (N, DRAWS).
        limits: A row of ``limits`` for each view.
        side: Of the views.
    """
    moves = [any(row) for row in limits]
    if not any(moves):
        return resize(pixels, side)
    rows = torch.tensor(limits, dtype=torch.float32).to(pixels.device, non_blocking=True)
    looked = look(pixels, views(draws, rows), side)
    if all(moves):
        return looked
    is_moved = torch.tensor(moves).to(pixels.device, non_blocking=True)
    return torch.where(is_moved[:, None, None, None], looked, resize(pixels, side))


def look(pixels: Tensor, maps: Tensor, side: int) -> Tensor:
    """Resample pixels (N, 3, S, S) along ``maps`` to (N, 3, side, side); edges are reflected."""
    grid = F.affine_grid(maps, [len(pixels), 3, side, side], align_corners=False)
    return F.grid_sample(
        pixels, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )


def resize(pixels: Tensor, side: int) -> Tensor:
    """Return the whole pictures at another size; those of the right size stay as they are."""
    if pixels.shape[-1] == side:
        return pixels
    return F.interpolate(pixels, (side, side), mode="bilinear", antialias=True)
