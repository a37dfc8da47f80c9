"""A cache of values within a budget of bytes; the least recently used leave first."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

Value = TypeVar("Value")


class _Entry(NamedTuple, Generic[Value]):
    value: Value
    size_bytes: int
    owner: str


class ByteCache(Generic[Value]):
    """Values by key, together never above ``budget_bytes``; thread-safe.

    A value larger than the whole budget is not kept, so it does not push the others out. An entry
    may have an owner, whose entries can be counted and dropped.
    """

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self._entries: OrderedDict[Hashable, _Entry[Value]] = OrderedDict()
        self._held: Counter[str] = Counter()  # bytes by owner
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """What all kept values take together."""
        with self._lock:
            return self._held.total()

    def held(self) -> Counter[str]:
        """Bytes of each owner's values; "" for those without one."""
        with self._lock:
            return self._held.copy()

    def keys(self) -> list[Hashable]:
        """The keys of all kept values."""
        with self._lock:
            return list(self._entries)

    def get(self, key: Hashable) -> Value | None:
        """Return the value, marked as just used, or ``None`` where it is not kept."""
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key].value

    def put(self, key: Hashable, value: Value, size_bytes: int, *, owner: str = "") -> None:
        """Keep ``value``, in place of an older one under the same key."""
        with self._lock:
            self._drop(key)
            if size_bytes > self.budget_bytes:
                return
            self._entries[key] = _Entry(value, size_bytes, owner)
            self._held[owner] += size_bytes
            while self._held.total() > self.budget_bytes:
                self._drop(next(iter(self._entries)))

    def forget(self, owner: str) -> None:
        """Drop what belongs to ``owner``."""
        with self._lock:
            for key in [key for key, entry in self._entries.items() if entry.owner == owner]:
                self._drop(key)

    def drop_where(self, is_stale: Callable[[Hashable], bool]) -> None:
        """Drop the values whose keys are stale."""
        with self._lock:
            for key in [key for key in self._entries if is_stale(key)]:
                self._drop(key)

    def _drop(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._held[entry.owner] -= entry.size_bytes
            if not self._held[entry.owner]:
                del self._held[entry.owner]
