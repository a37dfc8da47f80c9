"""Imports a data set: its publisher's archive is downloaded and unpacked, a folder per class."""

import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from tl_core.datasets.catalogue import DataArchive, DatasetRow
from tl_core.datasets.folder import is_dataset
from tl_core.datasets.store import DatasetStore
from tl_core.download import DownloadRequest, fetch, free_bytes, locked, mirrored, parts_of
from tl_core.errors import Phrase, UserError

Phase = Literal["downloading", "unpacking", "checking"]
Report = Callable[[Phase, int, int], None]  # done, of all: bytes, then photographs
Check = Callable[[], None]  # raises to cancel

MAX_MEMBER_BYTES = 25 * 2**20
_FEWEST = 0.95  # of the photographs that the publisher promises
_SPARE_BYTES = 64 * 2**20
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, RuntimeError)


def import_archive(datasets: DatasetStore, key: str, *, report: Report, check: Check) -> Path:
    """Return the folder of the data set ``key``, downloaded and unpacked unless it is there.

    Callers in other threads and processes wait for the one at work. A cancel or an error leaves
    the downloaded part, to go on from, and nothing else.

    Raises:
        UserError: If the archive cannot be had, is damaged, the disk is too small or cannot be
            written to, or something else is in the folder's place.
    """
    row, archive = datasets.archive(key)
    folder = datasets.folder(key)
    downloaded = archive_file(folder, archive)
    with (
        _writing(folder.parent),
        locked(lock_file(folder), check),
        _emptied(downloaded.parent),
    ):
        if not is_dataset(folder):  # another caller may have imported it meanwhile
            _require_free(folder)
            _Import(row, archive, folder, report, check).run(datasets.settings.mirror)
        for path in (downloaded, *parts_of(downloaded)):  # a killed caller's too
            path.unlink(missing_ok=True)
    return folder


def lock_file(folder: Path) -> Path:
    """Where the lock is of whoever imports the data set of ``folder``."""
    return folder.with_name(f".{folder.name}.lock")


def unfinished_folder(folder: Path) -> Path:
    """Where the photographs are that do not all lie in ``folder`` yet."""
    return folder.with_name(f".{folder.name}.unfinished")


def archive_file(folder: Path, archive: DataArchive) -> Path:
    """Where the archive is until it is unpacked."""
    return folder.parent / ".downloads" / archive.file_name


@contextmanager
def _emptied(downloads: Path) -> Iterator[None]:
    """Delete the folder of downloads afterwards, where nothing is left in it."""
    try:
        yield
    finally:
        with suppress(OSError):  # there is a part to go on from, or another archive's
            downloads.rmdir()


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Raise a ``UserError`` in place of any ``OSError``."""
    try:
        yield
    except OSError as error:
        raise UserError(
            "The folder {folder} cannot be written to: {reason}. Make room there or make it "
            "writable, or set TL_DATA_DIR to another folder.",
            folder=folder.name,
            reason=error.strerror or type(error).__name__,
        ) from error


def _require_free(folder: Path) -> None:
    """Refuse a folder that is in use, before minutes of downloading."""
    try:
        is_free = not any(folder.iterdir())
    except OSError as error:  # not there yet, or a file, or a folder that nobody may read
        is_free = isinstance(error, FileNotFoundError)
    if not is_free:
        raise UserError(
            "The folder {folder} is there already and is no data set that the lab can read. Move "
            "it away and try again.",
            folder=folder.name,
        )


@dataclass(frozen=True, slots=True)
class _Import:
    """One archive on its way to the folder of its data set."""

    row: DatasetRow
    archive: DataArchive
    folder: Path
    report: Report
    check: Check

    def run(self, mirror: str) -> None:
        request = DownloadRequest(
            url=mirrored(self.archive.url, mirror),
            target=archive_file(self.folder, self.archive),
            md5=self.archive.md5,
            size_bytes=self.archive.size_bytes,
        )
        fetch(request, report=self._report_download, check=self.check)
        unfinished = unfinished_folder(self.folder)
        shutil.rmtree(unfinished, ignore_errors=True)  # of a run that was killed
        try:
            _require_room(request.target, self.row)
            self._unpack(request.target, unfinished)
            unfinished.replace(self.folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def _report_download(self, done: int, total: int | None) -> None:
        self.report("downloading", done, total or self.archive.size_bytes)

    def _unpack(self, file: Path, target: Path) -> None:
        """Write the photographs into ``target``, a folder per class; delete a damaged archive."""
        count = 0
        try:
            for name, stream in _members(file):
                self.check()
                class_name = self.archive.class_of(name)
                if class_name is None:
                    continue
                place = target / _safe_name(class_name) / _safe_name(name.name)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(stream().read(MAX_MEMBER_BYTES))
                count += 1
                self.report("unpacking", count, max(self.row.photographs, count))
            if count < _FEWEST * self.row.photographs:
                raise EOFError(f"{count} photographs only")
        except _DAMAGE as error:
            file.unlink()
            raise UserError(
                "The archive of {label} is damaged or not all of it arrived; it was deleted. "
                "Download it again.",
                label=Phrase(self.row.label),
            ) from error


def _members(file: Path) -> Iterator[tuple[PurePosixPath, Callable[[], Any]]]:
    """The regular files of a zip or tar file, in its order, each with a function that opens it."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as packed:
            for info in packed.infolist():
                if not info.is_dir():
                    yield PurePosixPath(info.filename), partial(packed.open, info)
    else:
        with closing(tarfile.open(file, "r|*")) as tar:
            for member in tar:
                if member.isreg():
                    yield PurePosixPath(member.name), partial(tar.extractfile, member)


def _safe_name(name: str) -> str:
    """A name that stays inside its folder on any system."""
    kept = "".join(letter for letter in name if letter.isprintable() and letter not in '/\\:*?"<>|')
    return kept.lstrip(".") or "unnamed"


def _require_room(archive: Path, row: DatasetRow) -> None:
    needed = round(1.1 * archive.stat().st_size) + _SPARE_BYTES  # photographs hardly compress
    if free_bytes(archive.parent) < needed:
        raise UserError(
            "{label} needs {needed} MB more on the disk of the folder {folder} to be "
            "unpacked. Make room there and try again.",
            label=Phrase(row.label),
            needed=needed // 2**20,
            folder=archive.parent.parent.name,
        )
