"""How threads compute with tensors: on how many cores, and with which numbers."""

from collections.abc import Callable

import torch

WINDOW_S = 0.3  # of work, before the worker's processor time says anything
ENOUGH = 0.6  # share of its time in which the worker's thread had a core
OWN = 0.7  # share of all cores that this process has while nobody else takes them
FIRST_WAIT_S = 0.5  # of work with one thread, before all cores are tried again
LONGEST_WAIT_S = 32.0


def use_cores(count: int) -> None:
    """Set how many cores tensor arithmetic of the calling thread uses."""
    torch.get_num_threads()  # a thread's first look takes the count another thread set last
    torch.set_num_threads(count)


def stay_on_one_core() -> None:
    """Give the calling thread no helpers of its own for tensor arithmetic.

    Once two threads have helpers there are more of them than cores; all sleep instead of spinning
    between operations, and the worker runs at half its speed.
    """
    use_cores(1)


def flush_subnormals() -> None:
    """Let the calling thread count numbers below 1.2e-38 as zero; call it before any arithmetic.

    With them a processor takes up to 200 times as long, and weights that are far from so small
    suffice to make activations of that size. A thread's helpers take this over when they are made.
    """
    torch.set_flush_denormal(True)


class WorkerThreads:
    """Computes on all cores while they are free, with one thread while others use them too.

    After every operation torch's threads wait for each other. Where another program holds a core,
    one of them has to wait for it and all others wait with it: the worker falls to a tenth of its
    speed, while one thread alone keeps most of it. Whether the cores are free is seen by the
    worker's own processor time, which falls behind the clock once its thread has to wait; where
    the whole process has nearly all of the cores, it only waits for this process's other threads.

    Only the worker's thread may call it.
    """

    def __init__(self, cores: int, *, use: Callable[[int], None] = use_cores) -> None:
        self._cores = cores
        self._use = use
        self._wait_s = FIRST_WAIT_S
        self.count = cores

    def begin(self) -> None:
        """Start with all cores; the first call on the worker's thread."""
        self._begin(self._cores)

    def measured(self, clock_s: float, thread_s: float, process_s: float) -> None:
        """Learn how long a slice took, and choose for the next ones.

        ``thread_s`` and ``process_s`` are the processor time of its thread and of all threads.
        """
        self._clock_s += clock_s
        self._thread_s += thread_s
        self._process_s += process_s
        if self.count == 1 < self._cores:
            if self._clock_s >= self._wait_s:
                self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
                self._begin(self._cores)
        elif self._clock_s >= WINDOW_S and self.count > 1:
            is_free = (
                self._thread_s >= ENOUGH * self._clock_s
                or self._process_s >= OWN * self._cores * self._clock_s
            )
            if is_free:
                self._wait_s = FIRST_WAIT_S
            self._begin(self._cores if is_free else 1)

    def _begin(self, count: int) -> None:
        self.count = count
        self._clock_s = self._thread_s = self._process_s = 0.0
        self._use(count)
