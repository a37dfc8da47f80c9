"""Every byte that visitors make the lab keep, counted in one place."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tl_core.errors import UserError


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """One kind of thing that is kept, for all visitors together."""

    kind: str
    held_bytes: int
    budget_bytes: int


class VisitorMemory:
    """What each visitor makes the lab keep, by kind; thread-safe.

    A kind is counted by whoever keeps it, each time somebody asks. All kinds of one visitor
    together stay within the visitor's share. Where a kind's budget is used up, ``end_visit`` is
    called for visitors of ``away`` who hold some of it, the first ones first.
    """

    def __init__(
        self,
        share_bytes: int,
        *,
        away: Callable[[], Sequence[str]] = tuple,
        end_visit: Callable[[str], None] = lambda _visitor: None,
    ) -> None:
        self.share_bytes = share_bytes
        self._away = away
        self._end_visit = end_visit
        self._kinds: dict[str, tuple[Callable[[], Counter[str]], int]] = {}
        self._noted: Counter[str] = Counter()  # what pages keep, by visitor
        self._lock = threading.Lock()

    def count(self, kind: str, held: Callable[[], Counter[str]], budget_bytes: int) -> None:
        """Count a kind; ``held`` gives bytes by visitor ("" for what is everybody's)."""
        self._kinds[kind] = (held, budget_bytes)

    def rows(self) -> list[MemoryRow]:
        """The sums by kind."""
        return [
            MemoryRow(kind, held().total(), budget) for kind, (held, budget) in self._kinds.items()
        ]

    def of(self, visitor: str) -> int:
        """Bytes that the visitor makes the lab keep."""
        return sum(held()[visitor] for held, _ in self._kinds.values())

    def room(self, visitor: str, kind: str) -> int:
        """Bytes that the visitor may still take for a kind; never below 0."""
        room = self.share_bytes - self.of(visitor)
        if kind in self._kinds:
            held, budget = self._kinds[kind]
            room = min(room, budget - held().total())
        return max(room, 0)

    def require(self, visitor: str, size_bytes: int) -> None:
        """Make room for what a visitor adds; refuse what would go beyond the share.

        Raises:
            UserError: If so.
        """
        used = self.of(visitor)
        if used + size_bytes > self.share_bytes:
            raise UserError(
                "You're using {used} of your {share} MB of the lab's memory: photographs, models, "
                "finished pictures and paused runs together. Stop a paused run, or start again in "
                "another tab.",
                used=used // 2**20,
                share=self.share_bytes // 2**20,
            )
        self._make_room(size_bytes)

    def record(self, visitor: str, size_bytes: int) -> None:
        """Say what a page keeps for a visitor, in place of what was said before."""
        with self._lock:
            self._noted[visitor] = size_bytes
        self._make_room(0)

    def noted(self) -> Counter[str]:
        """Bytes that pages keep, by visitor."""
        with self._lock:
            return self._noted.copy()

    def forget(self, visitor: str) -> None:
        """Drop what was noted for a visitor who left."""
        with self._lock:
            del self._noted[visitor]

    def _make_room(self, size_bytes: int) -> None:
        """End the visits of those who are away and hold some of a kind without so much room."""
        for visitor in self._away():
            for held, budget in list(self._kinds.values()):
                now = held()
                if now[visitor] and now.total() + size_bytes > budget:
                    self._end_visit(visitor)
                    break
