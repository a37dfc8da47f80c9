from collections import Counter

import pytest

from tl_core.engine.memory import MemoryRow, VisitorMemory
from tl_core.errors import UserError

MB = 2**20


def memory_of(photographs: dict[str, int], models: dict[str, int]) -> VisitorMemory:
    memory = VisitorMemory(share_bytes=10 * MB)
    memory.count("photographs", lambda: Counter(photographs), budget_bytes=30 * MB)
    memory.count("models", lambda: Counter(models), budget_bytes=12 * MB)
    memory.count("pictures", memory.noted, budget_bytes=40 * MB)
    return memory


def test_the_kinds_of_a_visitor_are_added_up():
    memory = memory_of({"ann": 3 * MB, "bob": MB}, {"ann": 2 * MB, "": 4 * MB})
    memory.note("ann", MB)
    assert memory.of("ann") == 6 * MB
    assert memory.of("bob") == MB
    assert memory.rows() == [
        MemoryRow("photographs", 4 * MB, 30 * MB),
        MemoryRow("models", 6 * MB, 12 * MB),
        MemoryRow("pictures", MB, 40 * MB),
    ]


def test_room_ends_at_the_visitors_share_and_at_the_kinds_budget():
    memory = memory_of({"ann": 3 * MB}, {"ann": 2 * MB, "bob": 7 * MB})
    assert memory.room("ann", "photographs") == 5 * MB
    assert memory.room("ann", "models") == 3 * MB
    assert memory.room("carl", "models") == 3 * MB
    memory.note("ann", 20 * MB)
    assert memory.room("ann", "photographs") == 0


def test_what_exceeds_the_share_is_refused_with_the_figures():
    memory = memory_of({"ann": 8 * MB}, {})
    memory.require("ann", 2 * MB)
    with pytest.raises(UserError, match="You hold 8 MB of the lab's memory and may hold 10 MB"):
        memory.require("ann", 2 * MB + 1)
    memory.require("bob", 10 * MB)


def test_what_pages_noted_leaves_with_the_visitor():
    memory = memory_of({}, {})
    memory.note("ann", 3 * MB)
    memory.note("ann", 2 * MB)
    assert memory.of("ann") == 2 * MB
    memory.forget("ann")
    assert memory.of("ann") == 0
