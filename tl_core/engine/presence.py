"""Who is here, who is away and may come back, and who is gone; settings.py says after how long."""

import logging
import math
import threading
import time
from collections.abc import Callable, Set

log = logging.getLogger(__name__)


class Presence:
    """The visitors seen lately; a small thread finds those who left. Thread-safe.

    A page calls ``touch`` on every poll. A closed tab, a lost connection and a laptop that went
    to sleep look the same: no poll for ``timeout_s``; background tabs poll about once a minute.
    Then ``on_away`` sets aside what the visitor has running; ``on_back`` takes it up again.
    Whoever has not come back ``keep_s`` after the last poll is gone, and ``on_gone`` gives back
    what was theirs.
    """

    def __init__(
        self,
        *,
        timeout_s: float,
        keep_s: float,
        on_away: Callable[[str], None],
        on_back: Callable[[str], None],
        on_gone: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._timeout_s = timeout_s
        self._keep_s = max(timeout_s, keep_s)
        self._on_away = on_away
        self._on_back = on_back
        self._on_gone = on_gone
        self._clock = clock
        self._seen: dict[str, float] = {}
        self._away: set[str] = set()  # whose work is set aside
        self._absent: frozenset[str] = frozenset()  # whose tabs are closed
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="lab-reaper", daemon=True)

    def start(self) -> None:
        """Start looking for visitors who left."""
        self._thread.start()

    def touch(self, visitor: str) -> None:
        """Note that the visitor is here now."""
        with self._lock:
            is_back = self._touch(visitor)
        if is_back:
            _tell(self._on_back, visitor)

    def resume(self, visitor: str) -> bool:
        """As ``touch``, but only for a visit that is still kept; say whether it is."""
        with self._lock:
            is_kept = self._seen.get(visitor, -math.inf) >= self._clock() - self._keep_s
            is_back = is_kept and self._touch(visitor)
        if is_back:
            _tell(self._on_back, visitor)
        return is_kept

    def end(self, visitor: str) -> None:
        """Let a visit be over: the next look finds that the visitor is gone."""
        with self._lock:
            self._seen[visitor] = -math.inf

    def note_absent(self, visitors: Set[str]) -> None:
        """Note whose tabs are closed, which is known before they have not polled for long."""
        with self._lock:
            self._absent = frozenset(visitors)

    def count(self) -> int:
        """How many visitors are here."""
        with self._lock:
            latest = self._clock() - self._timeout_s
            here = {visitor for visitor, seen in self._seen.items() if seen >= latest}
            return len(here - self._absent)

    def away(self) -> list[str]:
        """The visitors who are away, the longest first; nothing of theirs runs."""
        with self._lock:
            return sorted(self._away, key=self._seen.__getitem__)

    def end_if_away(self, visitor: str) -> None:
        """End the visit at once, unless the visitor has come back."""
        with self._lock:
            if visitor not in self._away:
                return
            self._drop(visitor)
        self._on_gone(visitor)

    def reap(self) -> None:
        """Find who is away or gone since the last look."""
        with self._lock:
            now = self._clock()
            gone = [visitor for visitor, seen in self._seen.items() if seen < now - self._keep_s]
            for visitor in gone:
                self._drop(visitor)
            left = [
                visitor
                for visitor, seen in self._seen.items()
                if seen < now - self._timeout_s and visitor not in self._away
            ]
        for visitor in left:
            _tell(self._on_away, visitor)
            with self._lock:
                is_away = self._seen.get(visitor, now) < now - self._timeout_s
                if is_away:
                    self._away.add(visitor)
            if not is_away:  # came back meanwhile
                _tell(self._on_back, visitor)
        for visitor in gone:
            _tell(self._on_gone, visitor)

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def _touch(self, visitor: str) -> bool:
        """Note that the visitor is here; whether they were away."""
        was_away = visitor in self._away
        self._seen[visitor] = self._clock()
        self._away.discard(visitor)
        return was_away

    def _drop(self, visitor: str) -> None:
        del self._seen[visitor]
        self._away.discard(visitor)

    def _watch(self) -> None:
        while not self._closing.wait(self._timeout_s / 10):
            self.reap()


def _tell(listener: Callable[[str], None], visitor: str) -> None:
    """Call the listener; an error of one visitor's must not keep the others from being told of."""
    try:
        listener(visitor)
    except Exception:
        log.exception("what a visitor has could not be set aside, taken up or cleared away")
