"""A zip that a visitor dropped: checked before anything is unpacked, read in memory only."""

import lzma
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from tl_core.datasets.dropped_folder import Drop, by_class
from tl_core.errors import UserError
from tl_core.images.decode import MAX_BYTES
from tl_core.specs.datasets import MAX_CLASSES, MAX_PHOTOS

MAX_TOTAL_BYTES = 2**30  # of what a zip unpacks to
_MAX_ENTRIES = MAX_PHOTOS + 2 * MAX_CLASSES
_last_record: Any = zipfile._EndRecData  # type: ignore[attr-defined]  # noqa: SLF001
_ENTRIES = zipfile._ECD_ENTRIES_TOTAL  # type: ignore[attr-defined]  # noqa: SLF001
_LIST_BYTES = zipfile._ECD_SIZE  # type: ignore[attr-defined]  # noqa: SLF001
_LISTED_BYTES = 300  # of a zip's own list of contents, more than an entry takes
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError),
    OSError,  # bz2 raises it
)


def zip_drops(
    file: BinaryIO, on_count: Callable[[int], None] = lambda _files: None
) -> Iterator[Drop]:
    """Read a zip in memory, a folder per class; nothing is written to disk.

    Everything the zip says of itself is checked before its first photograph is unpacked.

    Raises:
        UserError: If it is damaged, locked, too large, reaches outside itself, or has no folders.
    """
    try:
        _require_few(_listed(file))
        with zipfile.ZipFile(file) as packed:
            infos = packed.infolist()
            _require_few(len(infos))
            _require_harmless(infos)
            paths = {PurePosixPath(info.filename): info for info in infos if not info.is_dir()}
            on_count(len(paths))
            for name in _empty_folders(infos):
                yield Drop(name, name, b"")
            for path, class_name in by_class(paths):
                with packed.open(paths[path]) as stream:  # a header that lies about its size is cut
                    yield Drop(class_name, str(path), stream.read(MAX_BYTES))
    except _DAMAGE as error:
        raise UserError(
            "This zip is damaged or locked with a password. Zip the photographs again without one."
        ) from error


def _listed(file: BinaryIO) -> int:
    """About how many entries a zip has, by its last record: its list of contents is not read.

    The record may lie about their number, but not about the length of the list.
    """
    last = _last_record(file)  # as ZipFile reads it
    if last is None:
        raise zipfile.BadZipFile("no last record")
    return int(max(last[_ENTRIES], last[_LIST_BYTES] // _LISTED_BYTES))


def _require_few(count: int) -> None:
    if count > _MAX_ENTRIES:
        raise UserError(
            "This zip has {count} entries, but the lab takes at most {limit}. Include fewer "
            "photographs.",
            count=count,
            limit=_MAX_ENTRIES,
        )


def _require_harmless(infos: list[zipfile.ZipInfo]) -> None:
    """Refuse a zip by its own list of contents."""
    if not all(info.filename for info in infos):
        raise zipfile.BadZipFile("an entry without a name")
    if any(_reaches_outside(info) for info in infos):
        raise UserError(
            "This zip has entries that point outside its own folder, so the lab won't open it. "
            "Zip the photographs again, one folder per class."
        )
    if sum(info.file_size for info in infos) > MAX_TOTAL_BYTES:
        raise UserError(
            "This zip unpacks to more than {limit} MB. Include fewer or smaller photographs.",
            limit=MAX_TOTAL_BYTES // 2**20,
        )


def _reaches_outside(info: zipfile.ZipInfo) -> bool:
    name = info.filename
    is_link = stat.S_ISLNK(info.external_attr >> 16)
    parts = PurePosixPath(name).parts
    return is_link or name.startswith("/") or "\\" in name or ":" in name or ".." in parts


def _empty_folders(infos: list[zipfile.ZipInfo]) -> list[str]:
    """Folders that hold nothing at all; each is a class without photographs."""
    paths = {PurePosixPath(info.filename): info for info in infos}
    filled = {outer for path in paths for outer in path.parents}
    return [path.name for path, info in paths.items() if info.is_dir() and path not in filled]
