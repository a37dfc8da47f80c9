import os

import pytest

from tl_core.machine import cores
from tl_core.machine.cores import usable_cores
from tl_core.machine.threads import FIRST_WAIT_S, LONGEST_WAIT_S, WINDOW_S, WorkerThreads


@pytest.fixture
def machine(monkeypatch):
    """A machine of eight cores without limits."""
    monkeypatch.setattr(cores.psutil, "cpu_count", lambda logical: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)), raising=False)
    monkeypatch.setattr(cores, "cpu_quota", lambda: float("inf"))


def test_without_limits_every_physical_core_counts(machine):
    assert usable_cores() == 8


@pytest.mark.parametrize(("quota", "count"), [(3.5, 3), (0.08, 1), (float("inf"), 8)])
def test_a_container_has_the_whole_cores_of_its_quota_and_at_least_one(
    machine, monkeypatch, quota, count
):
    monkeypatch.setattr(cores, "cpu_quota", lambda: quota)
    assert usable_cores() == count


def test_cores_that_the_process_may_not_run_on_do_not_count(machine, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {3, 5}, raising=False)
    assert usable_cores() == 2


class Threads(WorkerThreads):
    """Notes which numbers of threads were set."""

    def __init__(self, cores: int = 2) -> None:
        self.used: list[int] = []
        super().__init__(cores, use=self.used.append)
        self.begin()

    def work(self, clock_s: float, *, share: float = 1.0, cores: float = 1.0) -> int:
        """Work in slices of a tenth of a second, of which the thread has a core for a share.

        ``cores`` is how many all threads together have.
        """
        for _ in range(round(clock_s / 0.1)):
            self.measured(0.1, 0.1 * share, 0.1 * cores)
        return self.count


def test_a_worker_that_has_its_cores_keeps_them():
    threads = Threads()
    assert threads.work(60) == 2
    assert set(threads.used) == {2}


def test_a_worker_that_waits_for_a_core_goes_on_with_one_thread():
    threads = Threads()
    assert threads.work(WINDOW_S + 0.1, share=0.5) == 1


def test_a_worker_that_waits_for_other_threads_of_its_own_process_keeps_its_cores():
    threads = Threads()
    assert threads.work(60, share=0.4, cores=1.8) == 2
    assert threads.work(WINDOW_S + 0.1, share=0.4, cores=1.3) == 1


def test_one_slow_step_is_enough_to_see_it():
    threads = Threads()
    threads.measured(2.0, 0.4, 0.8)
    assert threads.count == 1


def test_all_cores_are_tried_again_and_kept_once_they_are_free():
    threads = Threads()
    threads.work(WINDOW_S + 0.1, share=0.5)
    assert threads.work(FIRST_WAIT_S + 0.1) == 2
    assert threads.work(60) == 2


def test_while_they_stay_taken_they_are_tried_ever_more_rarely():
    threads = Threads()
    for _ in range(3000):
        threads.measured(0.1, 0.05 if threads.count == 2 else 0.1, 0.1)
    tries = threads.used.count(2) - 1
    assert 300 / LONGEST_WAIT_S - 1 <= tries <= 300 / LONGEST_WAIT_S + 6


def test_a_worker_with_one_core_never_asks_for_more():
    threads = Threads(cores=1)
    threads.work(60, share=0.1)
    assert set(threads.used) == {1}
