"""A warning that a visitor can cause at will is printed once a minute for each."""

import threading
import time
from collections.abc import Callable

EVERY_S = 60.0
_MOST = 1000  # visitors who are remembered


class LogLimit:
    """Says whether something about somebody was not said within the last minute. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said_at: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def is_due(self, who: str, what: str) -> bool:
        """Whether to say it now; it then counts as said."""
        now = self._clock()
        with self._lock:
            if self._said_at.get((who, what), now - EVERY_S) > now - EVERY_S:
                return False
            if len(self._said_at) >= _MOST:
                newer = {key: at for key, at in self._said_at.items() if at > now - EVERY_S}
                self._said_at = newer
                if len(newer) >= _MOST:
                    return False  # enough is said within this minute
            self._said_at[who, what] = now
            return True


log_limit = LogLimit()
