"""How long a run still waits, as a page says it: it counts down and follows estimates slowly."""

import math
import time
from collections.abc import Callable

_SETTLES_S = 20.0  # in which two thirds of what an estimate differs by are made up
_MOST_CHANGE = 1.2  # times, from one look to the next, beside the time that has gone by
_FINE, _COARSE = 5, 10  # seconds by which it is rounded: below half a minute, and from there on


class ShownWait:
    """The estimate of a queue changes by times whenever a run before it begins or ends."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left_s: float | None = None
        self._looked_at = 0.0

    def seconds(self, estimate_s: float) -> int:
        """Whole seconds to show, given what is estimated now."""
        now = self._clock()
        if self._left_s is None:
            self._left_s = estimate_s
        else:
            elapsed_s = now - self._looked_at
            share = 1 - math.exp(-elapsed_s / _SETTLES_S)
            counted = max(self._left_s - elapsed_s, 0.0)
            wished = counted + (estimate_s - counted) * share
            most = self._left_s * _MOST_CHANGE
            self._left_s = min(max(wished, counted / _MOST_CHANGE), most)
        self._looked_at = now
        step = _FINE if self._left_s < 3 * _COARSE else _COARSE
        return max(round(self._left_s / step) * step, _COARSE)
