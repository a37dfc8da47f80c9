"""The disk a download lands on: its room, and its complaints put into words."""

import errno
import os.path
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tl_core.errors import UserError


def free_bytes(folder: Path) -> int:
    """Return the free space of the disk that holds, or would hold, ``folder``."""
    existing = next(
        place for place in (folder, *folder.absolute().parents) if os.path.exists(place)
    )
    return shutil.disk_usage(existing).free


def beside(target: Path, ending: str) -> Path:
    """Return the neighbour of ``target`` whose name has ``ending`` added."""
    return target.with_name(target.name + ending)


def has_room(folder: Path, needed_bytes: int, keep_free_bytes: int) -> bool:
    """Whether so much can be written there with ``keep_free_bytes`` left on the disk."""
    return free_bytes(folder) >= needed_bytes + keep_free_bytes


def require_room(target: Path, needed_bytes: int, keep_free_bytes: int) -> None:
    """Refuse to fill the disk.

    Raises:
        UserError: If fewer than ``keep_free_bytes`` would stay free.
    """
    with writing(target):
        free = free_bytes(target.parent)
    if needed_bytes > 0 and free < needed_bytes + keep_free_bytes:
        raise UserError(
            "{name} needs {needed} MB more on the disk. The folder {folder} has {free} MB free, "
            "and {kept} MB of the disk must stay free. Free some space there and try again.",
            name=target.name,
            needed=-(-needed_bytes // 2**20),
            folder=target.parent.name,
            free=free // 2**20,
            kept=keep_free_bytes // 2**20,
        )


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Put a disk's complaint about ``path`` into words.

    Raises:
        UserError: Instead of any ``OSError``.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(
                "The disk that holds the folder {folder} is full. Free some space there and try "
                "again: what has arrived is kept in {part}, and the download continues from there.",
                folder=path.parent.name,
                part=path.name,
            ) from error
        raise UserError(
            "The lab can't write to the folder {folder}: {reason}. Make it writable or choose "
            "another; python -m tl_core doctor says where it is.",
            folder=path.parent.name,
            reason=error.strerror or type(error).__name__,
        ) from error
