import sys

import pytest

from tl_core.machine.process_memory import (
    FreedMemory,
    give_back_freed_memory,
    keep_freed_memory,
    process_bytes,
)

MB = 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps freed memory so")
def test_memory_freed_between_small_things_is_given_back_when_asked():
    keep_freed_memory()
    large, small = [], []
    for _ in range(20):
        large.append(b"x" * 8 * MB)
        small.append(b"y" * 5000)  # keeps the heap from shrinking
    large.clear()
    kept = process_bytes()
    give_back_freed_memory()
    assert kept - process_bytes() > 100 * MB
    assert small


class Process:
    """A process of some size, part of which is free."""

    def __init__(self, used_mb: int, free_mb: int = 0) -> None:
        self.used_mb, self.free_mb, self.times = used_mb, free_mb, 0
        self.memory = FreedMemory(1000 * MB, size=self.size, give_back=self.give_back)

    def size(self) -> int:
        return (self.used_mb + self.free_mb) * MB

    def give_back(self) -> None:
        self.free_mb, self.times = 0, self.times + 1

    def look(self) -> int:
        self.memory.look()
        return self.times


def test_freed_memory_is_kept_up_to_the_limit_and_given_back_above_it():
    process = Process(used_mb=600, free_mb=400)
    assert process.look() == 0
    process.free_mb = 401
    assert process.look() == 1
    assert process.size() == 600 * MB


def test_where_more_is_in_use_than_the_limit_it_is_given_back_as_the_process_grows():
    process = Process(used_mb=1100)
    assert process.look() == 1
    process.free_mb = 60
    assert process.look() == 1
    process.free_mb = 70
    assert process.look() == 2
