"""Random numbers from the host, keyed by seed and step.

They depend on nothing else, so that a spec draws the same ones on every device and in any company.

Source:
    Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3" (Philox, counter-based).
"""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

DRAWS = 7  # of a view at a step: two shifts, a turn, a zoom, a mirror, and two for its transform
TILE = 256  # side of the noise that is drawn once for each seed
_START, _TILE, _STEP = range(3)  # what numbers are for


def uniform(seed: int, step: int, views: int) -> NDArray[np.float32]:
    """Return the numbers of a step in [0, 1), (views, DRAWS)."""
    return _numbers(seed, _STEP, step).random((views, DRAWS), dtype=np.float32)


def start_noise(seed: int, shape: tuple[int, ...]) -> Tensor:
    """Return standard normal numbers to begin a picture with, on the CPU."""
    return torch.from_numpy(_numbers(seed, _START).standard_normal(shape, dtype=np.float32))


@lru_cache(maxsize=32)
def noise_tile(seed: int) -> Tensor:
    """Return the seed's own noise, standard normal, (3, TILE, TILE) on the CPU."""
    shape = (3, TILE, TILE)
    return torch.from_numpy(_numbers(seed, _TILE).standard_normal(shape, dtype=np.float32))


def view_noise(tiles: Tensor, rows: Tensor, draws: Tensor, side: int) -> Tensor:
    """Return noise for V views: of each one's tile another part, mirrored or not.

    Args:
        tiles: Standard normal, (T, 3, TILE, TILE); repeated where ``side`` is larger.
        rows: For each view the index of its tile and the standard deviation, (V, 2).
        draws: Of ``uniform``, (V, DRAWS).
        side: Of the views, in pixels.

    Returns:
        (V, 3, side, side).
    """
    if tiles.device.type == "cpu":
        return _noise_by_parts(tiles, rows, draws, side)
    return noise_by_index(tiles, rows, draws, side)


def noise_by_index(tiles: Tensor, rows: Tensor, draws: Tensor, side: int) -> Tensor:
    """Return what ``view_noise`` does without a look at any number, as graphics cards want it."""
    along = torch.arange(side, device=tiles.device)
    down, across = (
        (
            (draws[:, shift, None] * TILE).long()
            + torch.where(draws[:, mirror, None] < 0.5, -1, 1) * along
        )
        % TILE
        for shift, mirror in ((0, 3), (1, 4))
    )
    colours = torch.arange(3, device=tiles.device)
    tile = rows[:, 0].long()
    noise = tiles[
        tile[:, None, None, None],
        colours[None, :, None, None],
        down[:, None, :, None],
        across[:, None, None, :],
    ]
    return noise * rows[:, 1, None, None, None]


def _noise_by_parts(tiles: Tensor, rows: Tensor, draws: Tensor, side: int) -> Tensor:
    """The same by copies of whole parts: a third to a ninth of the time, with a look at numbers."""
    noise = tiles.new_empty(len(draws), 3, side, side)
    for view, (tile, level), draw in zip(noise, rows.tolist(), draws.tolist(), strict=True):
        if level == 0:
            view.zero_()
            continue
        part = tiles[int(tile)]
        for dim, place, mirror in ((1, draw[0], draw[3]), (2, draw[1], draw[4])):
            start = int(place * TILE)
            if mirror < 0.5:
                part, start = part.flip(dim), TILE - 1 - start
            part = part.roll(-start, dim)
        for down in range(0, side, TILE):
            for across in range(0, side, TILE):
                room = view[:, down : down + TILE, across : across + TILE]
                torch.mul(part[:, : room.shape[1], : room.shape[2]], level, out=room)
    return noise


def _numbers(seed: int, purpose: int, step: int = 0) -> np.random.Generator:
    # the counter's other words count the numbers that are taken
    return np.random.Generator(np.random.Philox(key=[seed, purpose], counter=[0, 0, 0, step]))
