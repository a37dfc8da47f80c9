"""Whether a figure that is looked at again and again grows, beyond its noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import theilslopes

_FEWEST_BLOCKS = 5


@dataclass(frozen=True)
class Trend:
    """The growth of a figure in an hour, with its 95 % interval."""

    per_hour: float
    low: float
    high: float

    @property
    def grows(self) -> bool:
        """Whether the whole interval lies above zero."""
        return self.low > 0


def trend(times_s: Sequence[float], values: Sequence[float], block_s: float) -> Trend:
    """The median of the slopes between the means of blocks.

    One look is like the one before, since the same visitors are still here; the mean of a block
    longer than most visits is nearly independent of the last one's, as the interval supposes. The
    median is not moved by single blocks in which much was going on.

    Raises:
        ValueError: If there are too few blocks for an interval.

    Source:
        Theil 1950; Sen 1968, whose interval from Kendall's tau this is.
    """
    hours, seen = np.asarray(times_s) / 3600, np.asarray(values, float)
    blocks = np.floor((hours - hours[0]) * 3600 / block_s)
    whole = np.unique(blocks)[:-1]  # the last one may be short
    if len(whole) < _FEWEST_BLOCKS:
        raise ValueError(f"a trend needs {_FEWEST_BLOCKS} blocks of {block_s} s, got {len(whole)}")
    middles, means = (
        [float(found[blocks == block].mean()) for block in whole] for found in (hours, seen)
    )
    slope, _intercept, low, high = theilslopes(means, middles, alpha=0.95)
    return Trend(float(slope), float(low), float(high))
