"""Files on this disk: written whole, and known by their size and time of change."""

from contextlib import suppress
from pathlib import Path
from uuid import uuid4

FileState = tuple[int, int]  # size in bytes, time of the last change in nanoseconds
GONE: FileState = (-1, -1)


def write_whole(path: Path, data: bytes) -> None:
    """Let a file appear whole or not at all, whoever else writes it at the same time.

    Raises:
        OSError: If it cannot be written; nothing of it is left.
    """
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(path)
    except OSError:
        with suppress(OSError):  # the folder may be what is wrong
            unfinished.unlink(missing_ok=True)
        raise


def state_of(path: Path) -> FileState:
    """Return what tells whether a file has changed; ``GONE`` for one that cannot be found."""
    try:
        found = path.stat()
    except OSError:
        return GONE
    return found.st_size, found.st_mtime_ns
