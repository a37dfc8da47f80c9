"""A control group with little memory and part of a core, for a process that is about to start."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_MOUNT = Path("/sys/fs/cgroup")
_PERIOD_US = 100_000


@dataclass(frozen=True)
class Group:
    """Folders of one control group: one, or of the older kind one for each of its controllers."""

    memory: Path
    cpu: Path

    @property
    def is_new(self) -> bool:
        return self.memory == self.cpu

    def join(self) -> None:
        """Put the calling process into the group."""
        for folder in {self.memory, self.cpu}:
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    def peak_mb(self) -> int:
        """The most memory that the group has used, files read into memory included."""
        name = "memory.peak" if self.is_new else "memory.max_usage_in_bytes"
        return int((self.memory / name).read_text()) // 2**20

    def killed(self) -> int:
        """How many processes the system has ended for want of memory."""
        name = "memory.events" if self.is_new else "memory.oom_control"
        lines = (line.split() for line in (self.memory / name).read_text().splitlines())
        return next(int(value) for key, value in lines if key == "oom_kill")


@contextmanager
def limited(*, memory_mb: int, cores: float) -> Iterator[Group]:
    """A new group with these limits; 0 cores are all of them.

    Raises:
        OSError: If this user may not make one.
    """
    name = f"lab-{os.getpid()}"
    is_new = (_MOUNT / "cgroup.controllers").exists()
    group = (
        Group(_MOUNT / name, _MOUNT / name)
        if is_new
        else Group(_MOUNT / "memory" / name, _MOUNT / "cpu" / name)
    )
    quota = round(cores * _PERIOD_US)
    for folder in {group.memory, group.cpu}:
        folder.mkdir()
    try:
        if is_new:
            (group.memory / "memory.max").write_text(str(memory_mb * 2**20))
            (group.cpu / "cpu.max").write_text(f"{quota or 'max'} {_PERIOD_US}")
        else:
            (group.memory / "memory.limit_in_bytes").write_text(str(memory_mb * 2**20))
            (group.cpu / "cpu.cfs_quota_us").write_text(str(quota or -1))
        yield group
    finally:
        for folder in {group.memory, group.cpu}:
            folder.rmdir()
