"""What the process keeps of the memory that it has freed, and what it gives back to the system."""

import ctypes
import platform
from collections.abc import Callable, Mapping

import psutil

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -2, -3, -8  # malloc.h
_GROWTH_BYTES = 64 * 2**20
_THIS_PROCESS = psutil.Process()


def process_bytes() -> int:
    """The memory of this process that is resident, files read into it included."""
    return int(_THIS_PROCESS.memory_info().rss)


def keep_freed_memory() -> None:
    """Let the process keep what its tensors give back, up to 256 MB, instead of the system.

    A network's step takes and frees the same memory again and again; where the system must clear
    it each time, that is a tenth to a fifth of the step. All threads share it. Only glibc has
    these options; elsewhere nothing happens.

    Source:
        mallopt(3).
    """
    _set_malloc(
        {
            _M_TRIM_THRESHOLD: 256 * 2**20,
            _M_TOP_PAD: 16 * 2**20,
            _M_MMAP_THRESHOLD: 32 * 2**20,  # the most it takes
            _M_ARENA_MAX: 1,
        }
    )


def keep_little_freed_memory() -> None:
    """Have the system take back all that is larger than 1 MB as soon as it is freed.

    For little memory: else the holes between blocks of many sizes make a process half as large
    again. Batches of two take a tenth longer, those of eight two thirds.

    Source:
        mallopt(3).
    """
    _set_malloc({_M_TRIM_THRESHOLD: 32 * 2**20, _M_MMAP_THRESHOLD: 2**20, _M_ARENA_MAX: 1})


def _set_malloc(options: Mapping[int, int]) -> None:
    if platform.libc_ver()[0] == "glibc":
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in options.items():
            mallopt(option, value)


def give_back_freed_memory() -> None:
    """Give the system the memory that is free now, also between what is in use.

    Large files and large batches leave holes in what ``keep_freed_memory`` keeps, which small
    things then take, so that the next large one finds no room there. A few milliseconds.

    Source:
        malloc_trim(3).
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


class FreedMemory:
    """Gives freed memory back once the process is larger than a limit, and as it grows from there.

    Below the limit it is kept, which saves a step of a network its tenth. For one thread.
    """

    def __init__(
        self,
        limit_bytes: int,
        *,
        size: Callable[[], int] = process_bytes,
        give_back: Callable[[], None] = give_back_freed_memory,
    ) -> None:
        self._limit_bytes = self._next_bytes = limit_bytes
        self._size = size
        self._give_back = give_back

    def look(self) -> None:
        """Give memory back if that is due; some ten microseconds otherwise."""
        if self._size() > self._next_bytes:
            self._give_back()
            self._next_bytes = max(self._limit_bytes, self._size() + _GROWTH_BYTES)
