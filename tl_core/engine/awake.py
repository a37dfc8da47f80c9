"""Seconds for which this process was awake."""

import threading
import time
from collections.abc import Callable

TICK_S = 1.0  # somebody reads the clock about so often
_LONGEST_GAP_S = 10.0


class AwakeClock:
    """A monotonic clock that stands still while the process does; thread-safe.

    A laptop whose lid was closed (where the system's clock goes on meanwhile, as on Windows), a
    container that was paused or a process that was stopped are seen by a gap between two readings:
    of a gap above ``_LONGEST_GAP_S`` only ``TICK_S`` counts. So somebody must read it every
    ``TICK_S``.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._read_at = clock()
        self._slept_s = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """Return seconds since an unknown moment."""
        with self._lock:
            now = self._clock()
            gap = now - self._read_at
            if gap > _LONGEST_GAP_S:
                self._slept_s += gap - TICK_S
            self._read_at = now
            return now - self._slept_s
