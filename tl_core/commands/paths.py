"""Files and folders that a command line names; ``place`` and ``file_to_write`` are types there.

Every function raises ``UserError`` for what the person at the command line can change.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tl_core.errors import UserError
from tl_core.machine.files import require_writable, write_whole


def place(text: str) -> Path:
    """A file or folder; an empty name would mean the current folder."""
    if not text:
        raise UserError("An empty name was given for a file or folder. Write its name there.")
    return Path(os.path.expanduser(text))


def file_to_write(text: str) -> Path:
    """A file that can be written: refused before the work, not after it."""
    path = place(text)
    with writing(path):
        if not path.parent.is_dir():
            raise OSError(errno.ENOENT, f"there is no folder {path.parent}")
        require_writable(path)
    return path


def write(path: Path, data: bytes) -> None:
    """Write the whole file or nothing of it."""
    with writing(path):
        write_whole(path, data)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in words why a file cannot be written."""
    try:
        yield
    except OSError as error:
        raise UserError(
            "{path} cannot be written ({reason}). Choose another place.",
            path=path,
            reason=error.strerror,
        ) from error
