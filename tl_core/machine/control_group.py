"""What the Linux control groups of this process let it use.

Source:
    The Linux kernel's documentation: cgroup-v2 (memory.max, cpu.max), cgroup-v1/memory
    (memory.limit_in_bytes) and sched-bwc (cpu.cfs_quota_us).
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_MOUNT = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")
_UNLIMITED = float("inf")


def memory_limit_bytes() -> float:
    """The least memory that a group of this process may use; infinite where nothing limits it."""
    texts = [*_read("", "memory.max"), *_read("memory", "memory.limit_in_bytes")]
    return min(map(_number, texts), default=_UNLIMITED)


def cpu_quota() -> float:
    """The fewest cores that a group may use at once; infinite where nothing limits it."""
    pairs = [text.split() for text in _read("", "cpu.max")]
    quotas, periods = _read("cpu", "cpu.cfs_quota_us"), _read("cpu", "cpu.cfs_period_us")
    pairs += [list(pair) for pair in zip(quotas, periods, strict=False)]
    cores = [_number(quota) / _number(period) for quota, period in pairs]
    return min((count for count in cores if count > 0), default=_UNLIMITED)


def _read(controller: str, name: str) -> Iterator[str]:
    """One file of this process's group and of each group above it, where there is one."""
    group = _group(controller)
    for place in (group, *group.parents):
        try:
            yield (_MOUNT / controller / place.relative_to("/") / name).read_text()
        except (OSError, ValueError):
            continue  # the topmost group has no limits, and a container sees few of the others


def _group(controller: str) -> PurePosixPath:
    """This process's group; the topmost where the system does not say."""
    try:
        lines = [line.split(":", 2) for line in _OWN.read_text().splitlines()]
    except OSError:
        return PurePosixPath("/")
    return next(
        (PurePosixPath(path) for _, names, path in lines if controller in names.split(",")),
        PurePosixPath("/"),
    )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:  # "max"
        return _UNLIMITED
