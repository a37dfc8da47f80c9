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
    memory.record("ann", MB)
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
    memory.record("ann", 20 * MB)
    assert memory.room("ann", "photographs") == 0


def test_what_exceeds_the_share_is_refused_with_the_figures():
    memory = memory_of({"ann": 8 * MB}, {})
    memory.require("ann", 2 * MB)
    with pytest.raises(UserError, match="You're using 8 of your 10 MB of the lab's memory"):
        memory.require("ann", 2 * MB + 1)
    memory.require("bob", 10 * MB)


def test_what_pages_noted_leaves_with_the_visitor():
    memory = memory_of({}, {})
    memory.record("ann", 3 * MB)
    memory.record("ann", 2 * MB)
    assert memory.of("ann") == 2 * MB
    memory.forget("ann")
    assert memory.of("ann") == 0


def with_room_for_12_mb(held: dict[str, int], away: list[str]) -> tuple[VisitorMemory, list[str]]:
    """Photographs of these sizes; visitors who are away lose theirs when their visits end."""
    ended: list[str] = []

    def end_visit(visitor: str) -> None:
        ended.append(visitor)
        held.pop(visitor, None)

    memory = VisitorMemory(share_bytes=20 * MB, away=lambda: away, end_visit=end_visit)
    memory.count("photographs", lambda: Counter(held), budget_bytes=12 * MB)
    memory.count("everybody's", lambda: Counter({"": 9 * MB}), budget_bytes=MB)
    return memory, ended


def test_who_is_away_gives_way_to_who_is_here_and_no_more_of_them_than_need_to():
    held = {"ann": 4 * MB, "bob": 4 * MB, "carl": 4 * MB}
    memory, ended = with_room_for_12_mb(held, away=["dora", "bob", "ann"])
    memory.require("carl", MB)
    assert ended == ["bob"]
    memory.require("carl", 5 * MB)
    assert ended == ["bob", "ann"]


def test_nobody_who_is_away_gives_way_while_there_is_room():
    memory, ended = with_room_for_12_mb({"ann": 4 * MB, "bob": 4 * MB}, away=["bob"])
    memory.require("carl", 4 * MB)
    assert ended == []


def test_what_pages_keep_makes_who_is_away_give_way_too():
    memory, ended = with_room_for_12_mb({}, away=["bob"])
    memory.count("pictures", memory.noted, budget_bytes=3 * MB)
    memory.record("bob", 2 * MB)
    memory.record("ann", MB)
    assert ended == []
    memory.record("ann", 2 * MB)
    assert ended == ["bob"]


def test_an_addition_that_is_refused_ends_nobodys_visit():
    memory, ended = with_room_for_12_mb({"bob": 12 * MB}, away=["bob"])
    with pytest.raises(UserError):
        memory.require("ann", 21 * MB)
    assert ended == []
