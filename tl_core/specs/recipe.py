"""What recipes of pictures share: numbers that change during a run, random views, a version."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from tl_core.errors import UserError


@dataclass(frozen=True, slots=True)
class Ramp:
    """A number that goes from ``start`` to ``end`` during a run, and stays there.

    ``until`` is the share of the run, in (0, 1], after which it has arrived.
    """

    start: float
    end: float
    until: float = 1.0
    shape: Literal["linear", "cosine"] = "linear"

    def at(self, progress: float) -> float:
        """The value after a share ``progress`` in [0, 1] of the run."""
        way = min(progress / self.until, 1.0)
        if self.shape == "cosine":
            way = (1 - math.cos(math.pi * way)) / 2
        return self.start + (self.end - self.start) * way

    def times(self, factor: float) -> "Ramp":
        """The same way between numbers ``factor`` times as large."""
        return replace(self, start=factor * self.start, end=factor * self.end)


def always(value: float) -> Ramp:
    """A number that does not change."""
    return Ramp(value, value)


ONE, ZERO = always(1.0), always(0.0)


@dataclass(frozen=True, slots=True)
class RandomAffine:
    """Ranges of the random affine views that the network is shown at each step.

    ``shift`` is a share of the side, ``turn_deg`` degrees, ``zoom`` z a scale between 1 / (1 + z)
    and 1 / (1 - z); with ``mirrors`` every second view is mirrored. A step shows ``views`` of them.
    """

    shift: float = 0.0
    turn_deg: float = 0.0
    zoom: float = 0.0
    mirrors: bool = False
    views: int = 1


IDENTITY = RandomAffine()


RECIPE_VERSION = 2  # to be raised when a recipe or attack draws otherwise than it did


def require_recipe_version(version: int) -> None:
    """Refuse to repeat what another version drew: the picture would be another one.

    Raises:
        UserError: If it is not this version's.
    """
    if version != RECIPE_VERSION:
        raise UserError(
            "This picture was made with version {version} of the lab's recipes, which are now at "
            "version {ours}: it would come out differently. Start a new one.",
            version=version,
            ours=RECIPE_VERSION,
        )
