"""What every job that changes a picture shows on its way."""

import math
from dataclasses import dataclass

from tl_core.specs.base import Snapshot, SnapshotT, Spec

Move = tuple[int, str, float | None]  # the first step on which a control has a new value
HISTORY = 512  # most rows of figures kept for the curve
FRAMES = 48  # most pictures kept for the animation, besides the last


@dataclass(frozen=True, kw_only=True)
class PictureSpec(Spec[SnapshotT]):
    """A picture to optimise; ``moves`` replays its controls as they were moved in another run."""

    moves: tuple[Move, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PictureSnapshot(Snapshot):
    """A picture on its way.

    ``history`` holds a row of figures for each kept step, at most ``HISTORY`` of them, under the
    headings ``columns``: the step, the probability and total variation of what the network saw at
    that step, and the loss terms without their weights.
    """

    picture: bytes = b""  # JPEG
    png: bytes = b""  # the same without loss, with its settings inside
    settings: str = ""  # JSON of the spec that replays this picture, moves included
    probability: float = math.nan  # of the targets, for the 8-bit picture; NaN for a layer's goal
    total_variation: float = math.nan
    terms: tuple[tuple[str, float], ...] = ()  # newest loss terms, without their weights
    columns: tuple[str, ...] = ()
    history: tuple[tuple[float, ...], ...] = ()
    moves: tuple[Move, ...] = ()
    frames: tuple[bytes, ...] = ()  # JPEGs from the start to now, for an animation
    steps_per_s: float = 0.0
    batch_size: int = 1  # pictures that advanced together, each at that speed
    seconds_left: float = math.inf
