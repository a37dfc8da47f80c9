"""Whether a figure that is looked at again and again grows, beyond its noise."""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import theilslopes

_FEWEST = 5


@dataclass(frozen=True)
class Trend:
    """The growth of a figure with a visit, with its 95 % interval."""

    slope: float
    low: float
    high: float

    @property
    def grows(self) -> bool:
        """Whether the whole interval lies above zero."""
        return self.low > 0


def trend(visits: Sequence[float], values: Sequence[float]) -> Trend:
    """The median of the slopes between any two looks, which single ones do not move.

    Raises:
        ValueError: If there are too few looks for an interval.

    Source:
        Theil 1950; Sen 1968, whose interval from Kendall's tau this is.
    """
    if len(values) < _FEWEST:
        raise ValueError(f"a trend needs {_FEWEST} looks, got {len(values)}")
    slope, _intercept, low, high = theilslopes(values, visits, alpha=0.95)
    return Trend(float(slope), float(low), float(high))
