"""Whether a model is better than the one before, on photographs that neither could be taught with.

Who shows mistakes and lets them be learned has seen them: the test is no test of the next model.
A third of its photographs never appears among the mistakes, and compares the two.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from tl_core.specs.training import FineTuneResult, Prediction

ENOUGH = 30  # photographs, below which nothing is claimed
_ONE_OF = 3
_Z = 1.96  # of a 95 % interval


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same photographs."""

    photographs: int
    before: float  # accuracy
    after: float
    interval: tuple[float, float]  # of the difference, 95 %

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves nothing open."""
        return not self.interval[0] <= 0 <= self.interval[1]


def shown(predictions: Sequence[Prediction]) -> tuple[Prediction, ...]:
    """Return those that may appear among the mistakes: all, where the rest could claim nothing."""
    if sum(map(_is_reserved, predictions)) < ENOUGH:
        return tuple(predictions)
    return tuple(found for found in predictions if not _is_reserved(found))


def compare(before: FineTuneResult, after: FineTuneResult) -> Comparison | None:
    """Compare two models on what both were tested with and nobody was shown; none if too few.

    Source:
        The interval is that of Bonett & Price 2012, for paired proportions.
    """
    old = {found.photo: found.is_right for found in before.predictions if _is_reserved(found)}
    pairs = [(old[p.photo], p.is_right) for p in after.predictions if p.photo in old]
    count = len(pairs)
    if count < ENOUGH:
        return None
    lost, won = pairs.count((True, False)), pairs.count((False, True))
    shares = [(changed + 1) / (count + 2) for changed in (won, lost)]
    difference = shares[0] - shares[1]
    reach = _Z * math.sqrt((sum(shares) - difference**2) / (count + 2))
    return Comparison(
        photographs=count,
        before=sum(was for was, _is in pairs) / count,
        after=sum(is_ for _was, is_ in pairs) / count,
        interval=(max(difference - reach, -1.0), min(difference + reach, 1.0)),
    )


def _is_reserved(found: Prediction) -> bool:
    """Whether a photograph is of the third that is never shown; the same in every test."""
    return int(hashlib.sha256(found.photo.encode()).hexdigest()[:8], 16) % _ONE_OF == 0
