"""Who is here: visitors who stop polling are gone, and what was theirs is given back."""

import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


class Visits:
    """The visitors seen lately; a small thread finds those who left. Thread-safe.

    A page calls ``touch`` on every poll. A closed tab, a lost connection and a laptop that went
    to sleep look the same: no poll for ``timeout_s``; background tabs poll about once a minute.
    """

    def __init__(
        self,
        *,
        timeout_s: float,
        on_gone: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._timeout_s = timeout_s
        self._on_gone = on_gone
        self._clock = clock
        self._seen: dict[str, float] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="lab-reaper", daemon=True)

    def start(self) -> None:
        """Start looking for visitors who left."""
        self._thread.start()

    def touch(self, visitor: str) -> None:
        """Note that the visitor is here now."""
        with self._lock:
            self._seen[visitor] = self._clock()

    def count(self) -> int:
        """How many visitors are here."""
        with self._lock:
            return len(self._seen)

    def reap(self) -> list[str]:
        """End the visits of everyone not seen within the timeout; return who that was."""
        with self._lock:
            latest = self._clock() - self._timeout_s
            gone = [visitor for visitor, seen in self._seen.items() if seen < latest]
            for visitor in gone:
                del self._seen[visitor]
        for visitor in gone:
            self._on_gone(visitor)
        return gone

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._closing.wait(self._timeout_s / 6):
            try:
                self.reap()
            except Exception:
                log.exception("a visitor who left could not be cleared away")
