"""How many cores this process may use, and how quickly its threads take turns."""

import os
import sys

import psutil

from tl_core.machine.control_group import cpu_quota


def usable_cores() -> int:
    """Count the cores that this process really has, at least 1.

    The least of: the machine's physical cores, those it is allowed to run on, and the whole cores
    of its container's quota.
    """
    physical = psutil.cpu_count(logical=False) or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else physical
    return max(1, int(min(physical, allowed, cpu_quota())))


def take_turns_quickly() -> None:
    """Let this process's threads wait at most a millisecond for each other's Python.

    The worker needs the interpreter between any two operations of a network; with dozens of pages
    polling it would wait five milliseconds for it, Python's default, again and again.
    """
    sys.setswitchinterval(0.001)
