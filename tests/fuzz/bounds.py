"""What one case may cost: processor time and memory."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tl_core.errors import UserError

T = TypeVar("T")
_MAX_CPU_S = 2.0
_MAX_SENTENCE = 300
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@contextmanager
def bounded(memory_bytes: int, cpu_s: float = _MAX_CPU_S) -> Iterator[None]:
    """Let no case take more processor time of its thread or more memory of the process.

    Memory is looked at where Linux counts it.

    Raises:
        AssertionError: If it did.
    """
    before_kb = _forget_peak()
    started = time.thread_time()
    yield
    took_s = time.thread_time() - started
    assert took_s < cpu_s, f"took {took_s:.1f} s of processor time"
    if before_kb is not None:
        grown = 1024 * (_status_kb("VmHWM") - before_kb)
        assert grown < memory_bytes, f"took {grown / 2**20:.0f} MB"


def outcome(work: Callable[[], T]) -> T | None:
    """What comes out of it, or None where it is refused in a sentence."""
    try:
        return work()
    except UserError as error:
        text = str(error)
        assert text.endswith("."), text
        assert len(text) < _MAX_SENTENCE, text
        return None


def _forget_peak() -> int | None:
    """Let the kernel count the most memory anew; return what there is now, in KB."""
    try:
        _CLEAR.write_text("5")
        return _status_kb("VmRSS")
    except OSError:
        return None


def _status_kb(name: str) -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])
