"""A store of values within a budget of bytes; the least recently used leave first."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class ByteCache(Generic[Value]):
    """Values by key, together never above ``budget_bytes``; thread-safe.

    A value larger than the whole budget is not kept, so it does not push the others out. ``owner``
    names the visitor for whom a value is kept; "" for one that belongs to nobody.
    """

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self._kept: OrderedDict[Hashable, tuple[Value, int, str]] = OrderedDict()
        self._size_bytes = 0
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """What all kept values take together."""
        return self._size_bytes

    def get(self, key: Hashable) -> Value | None:
        """Return the value, marked as just used, or ``None`` where it is not kept."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def put(self, key: Hashable, value: Value, size_bytes: int, owner: str = "") -> None:
        """Keep ``value``, in place of an older one under the same key."""
        with self._lock:
            self._drop(key)
            if size_bytes > self.budget_bytes:
                return
            self._kept[key] = (value, size_bytes, owner)
            self._size_bytes += size_bytes
            while self._size_bytes > self.budget_bytes:
                self._drop(next(iter(self._kept)))

    def forget(self, owner: str) -> None:
        """Drop every value of ``owner``."""
        with self._lock:
            for key in [key for key, (_, _, kept_for) in self._kept.items() if kept_for == owner]:
                self._drop(key)

    def held(self) -> Counter[str]:
        """Return the bytes kept for each owner."""
        held: Counter[str] = Counter()
        with self._lock:
            for _, size_bytes, owner in self._kept.values():
                held[owner] += size_bytes
        return held

    def _drop(self, key: Hashable) -> None:
        _, size_bytes, _ = self._kept.pop(key, (None, 0, ""))
        self._size_bytes -= size_bytes
