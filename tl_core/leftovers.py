"""What killed processes left behind, deleted when a lab starts."""

import shutil
from contextlib import suppress
from pathlib import Path

from tl_core.backbones.catalogue import DownloadableWeights
from tl_core.context import Context
from tl_core.datasets.archive_import import archive_file, lock_file, unfinished_folder
from tl_core.datasets.catalogue import DataArchive
from tl_core.datasets.folder import is_dataset
from tl_core.fetching import locked_if_free, parts_of
from tl_core.machine.files import delete_unfinished, unfinished_below


def delete_leftovers(context: Context) -> None:
    """Delete what nobody will use again, and nothing that another process is at work on.

    The part of a download stays, to go on from, unless what it is for is there. What cannot be
    deleted stays too: whoever writes there next hears of it.
    """
    delete_unfinished(unfinished_below(context.settings.cache_dir))
    for row in context.backbones.rows.values():
        if isinstance(row.source, DownloadableWeights):
            target = context.backbones.weights.path(row)
            with suppress(OSError):
                delete_parts(target, is_needed=not target.is_file())
    for data in context.datasets.rows.values():
        if isinstance(data.source, DataArchive):
            with suppress(OSError):
                _delete_import(context.datasets.folder(data.key), data.source)


def delete_parts(target: Path, *, is_needed: bool) -> None:
    """Delete the lock of a download that nobody is at work on, and what else is not needed."""
    lock, *parts = parts_of(target)
    if any(path.exists() for path in (lock, *parts)):
        with locked_if_free(lock) as is_free:
            for path in parts if is_free and not is_needed else ():
                path.unlink(missing_ok=True)


def _delete_import(folder: Path, source: DataArchive) -> None:
    archive, unfinished, lock = (
        archive_file(folder, source),
        unfinished_folder(folder),
        lock_file(folder),
    )
    if not any(path.exists() for path in (lock, unfinished, archive.parent)):
        return
    with locked_if_free(lock) as is_free:
        if is_free:
            shutil.rmtree(unfinished, ignore_errors=True)
            is_needed = not is_dataset(folder)
            if not is_needed:
                archive.unlink(missing_ok=True)
            delete_parts(archive, is_needed=is_needed)
            archive.parent.rmdir()
