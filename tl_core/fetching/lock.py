"""One at work on a file or folder at a time, between threads and between processes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from tl_core.fetching.response import POLL_S, Check


@contextmanager
def locked(path: Path, check: Check) -> Iterator[None]:
    """Hold the lock file ``path``, waiting for whoever does; afterwards the file is gone.

    Args:
        path: The lock file; its folder is made.
        check: Called while waiting; raises to give up.

    Raises:
        OSError: If there can be no such file.
    """
    lock = filelock.FileLock(path)
    while not lock.is_locked:
        check()
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except (filelock.Timeout, FileNotFoundError):  # another took it, or deleted the folder
            time.sleep(POLL_S)
    try:
        yield
    finally:
        _delete_and_release(lock)


@contextmanager
def locked_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock file ``path`` if nobody does, and say so; afterwards the file is gone.

    Raises:
        OSError: If there can be no such file.
    """
    lock = filelock.FileLock(path)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        yield False
        return
    try:
        yield True
    finally:
        _delete_and_release(lock)


def _delete_and_release(lock: filelock.BaseFileLock) -> None:
    """Delete the file first: whoever has opened it meanwhile finds that it has no name any more.

    filelock then lets them try again, with a new file. Its other kinds of locks delete their files
    themselves.
    """
    if isinstance(lock, filelock.UnixFileLock):
        with suppress(OSError):  # somebody else has deleted it, or the folder
            Path(lock.lock_file).unlink()
    lock.release()
