"""Memory that threads share: never more than there is, in the order of asking."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tl_core.images.memory_share import MemoryShare


class Holder(threading.Thread):
    """A thread that holds some of a share until it is let go."""

    def __init__(self, share: MemoryShare, size_bytes: int) -> None:
        super().__init__()
        self.holds, self.may_go = threading.Event(), threading.Event()
        self._share, self._size_bytes = share, size_bytes

    def run(self) -> None:
        with self._share.hold(self._size_bytes):
            self.holds.set()
            self.may_go.wait(10)


@contextmanager
def holding(share: MemoryShare, *sizes_bytes: int) -> Iterator[list[Holder]]:
    """Threads that ask one after the other; each stands in the queue before the next asks."""
    holders = [Holder(share, size) for size in sizes_bytes]
    for number, holder in enumerate(holders):
        holder.start()
        while not holder.holds.wait(0.001) and len(share._waiting) + _holding(holders) <= number:
            pass
    try:
        yield holders
    finally:
        for holder in holders:
            holder.may_go.set()
        for holder in holders:
            holder.join(10)
            assert not holder.is_alive()


def _holding(holders: list[Holder]) -> int:
    return sum(holder.holds.is_set() for holder in holders)


def test_no_more_is_held_than_there_is():
    with holding(MemoryShare(10), 4, 4, 4) as (first, second, third):
        assert first.holds.wait(10)
        assert second.holds.wait(10)
        assert not third.holds.is_set()
        first.may_go.set()
        assert third.holds.wait(10)


def test_who_asks_for_more_than_there_is_gets_all_of_it_alone():
    with holding(MemoryShare(10), 1, 99, 1) as (before, large, after):
        assert before.holds.wait(10)
        assert not large.holds.is_set()
        before.may_go.set()
        assert large.holds.wait(10)
        assert not after.holds.is_set()
        large.may_go.set()
        assert after.holds.wait(10)


def test_nobody_overtakes_who_waits_for_a_lot():
    with holding(MemoryShare(10), 6, 8, 2) as (first, large, small):
        assert first.holds.wait(10)
        assert not small.holds.is_set()
        first.may_go.set()
        assert large.holds.wait(10)
        assert small.holds.wait(10)


def test_an_error_gives_the_memory_back():
    share = MemoryShare(10)
    with pytest.raises(ZeroDivisionError), share.hold(10):
        _ = 1 / 0
    with share.hold(10):
        pass
