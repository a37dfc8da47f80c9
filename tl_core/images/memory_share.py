"""A share of memory that many threads take from and give back, first come, first served."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class MemoryShare:
    """So many bytes for all threads together; thread-safe.

    Whoever asks for more than there is gets all of it, alone. Do not ask again while holding some.
    """

    def __init__(self, size_bytes: int) -> None:
        self._size_bytes = size_bytes
        self._used_bytes = 0
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, size_bytes: int) -> Iterator[None]:
        """Wait for so many bytes, behind all who asked before; give them back at the end."""
        wanted = min(size_bytes, self._size_bytes)
        turn = object()
        with self._changed:
            self._waiting.append(turn)
            try:
                self._changed.wait_for(
                    lambda: (
                        self._waiting[0] is turn and self._used_bytes + wanted <= self._size_bytes
                    )
                )
                self._used_bytes += wanted
            finally:
                self._waiting.remove(turn)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._used_bytes -= wanted
                self._changed.notify_all()
