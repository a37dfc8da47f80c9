"""Files on this disk: written whole, and known by their size and time of change."""

import errno
import glob
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import filelock

FileState = tuple[int, int]  # size in bytes, time of the last change in nanoseconds
GONE: FileState = (-1, -1)
_ID = "[0-9a-f]" * 32
_OLD_S = 3600  # since its last change: then nobody is between two steps of writing it


def read_regular(path: Path, most_bytes: int) -> bytes:
    """Return a file's bytes, or their beginning: one byte more than ``most_bytes`` allows.

    Raises:
        OSError: If it cannot be read, or is a pipe or a device, which may never end.
    """
    with _followed(path).open("rb") as file:
        return file.read(most_bytes + 1)


def require_writable(path: Path) -> None:
    """Find out before the work whether ``write_whole`` can write a file; leaves no trace.

    Raises:
        OSError: If it cannot.
    """
    unfinished = _unfinished(_followed(path))
    unfinished.open("xb").close()
    unfinished.unlink()


def write_whole(path: Path, data: bytes) -> None:
    """Let a file appear whole or not at all, whoever else writes it at the same time.

    A link stays, and what it leads to is written. What killed processes left of the same file is
    deleted.

    Raises:
        OSError: If it cannot be written, or something else than a file has its place; nothing of
            it is left.
    """
    path = _followed(path)
    delete_unfinished(path.parent.glob(f".{glob.escape(path.name)}.{_ID}"))
    unfinished = _unfinished(path)
    try:
        with unfinished.open("xb") as file:
            with suppress(OSError):  # a disk without locks: its age alone tells
                filelock.lock_descriptor(file.fileno(), blocking=False)
            file.write(data)
        unfinished.replace(path)
    except OSError:
        with suppress(OSError):  # the folder may be what is wrong
            unfinished.unlink(missing_ok=True)
        raise


def _followed(path: Path) -> Path:
    """What a path's links lead to, where a file is or can be."""
    target = Path(os.path.realpath(path))
    if os.path.lexists(target) and not target.is_file():
        raise OSError(errno.EINVAL, "it is a folder, a device or the like")
    return target


def _unfinished(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid4().hex}")


def unfinished_below(folder: Path) -> Iterator[Path]:
    """Every file in a folder and those below it that ``write_whole`` has not finished."""
    return folder.rglob(f".*.{_ID}")


def delete_unfinished(files: Iterator[Path]) -> None:
    """Delete those files that nobody writes any more: old ones whose writer does not hold them.

    A file that cannot be deleted stays.
    """
    with suppress(OSError):  # a folder that is not there, or nobody's to list
        for path in files:
            with suppress(OSError):
                if _is_given_up(path):
                    path.unlink()


def _is_given_up(path: Path) -> bool:
    if time.time() - path.stat().st_mtime < _OLD_S:
        return False
    with path.open("rb+") as file:  # the clock may have been set forward: its writer's lock counts
        return filelock.lock_descriptor(file.fileno(), blocking=False)


def state_of(path: Path) -> FileState:
    """Return what tells whether a file has changed; ``GONE`` for one that cannot be found."""
    try:
        found = path.stat()
    except OSError:
        return GONE
    return found.st_size, found.st_mtime_ns
