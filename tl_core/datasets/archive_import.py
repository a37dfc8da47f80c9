"""Imports a data set: its publisher's archive, or a handful of it, becomes a folder per class."""

import logging
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from tl_core.datasets.catalogue import DataArchive, DatasetRow, Handful
from tl_core.datasets.folder import is_dataset
from tl_core.datasets.handful import (
    ZIP_DAMAGE,
    Photo,
    photos_in_file,
    photos_in_parts,
)
from tl_core.datasets.store import DatasetStore
from tl_core.errors import Phrase, UserError
from tl_core.fetching import (
    Check,
    DownloadRequest,
    FileChanged,
    NoRanges,
    fetch,
    free_bytes,
    locked,
    parts_of,
)
from tl_core.images.decode import MAX_BYTES
from tl_core.settings import Settings

log = logging.getLogger(__name__)

Phase = Literal["downloading", "unpacking", "checking"]
Report = Callable[[Phase, int, int], None]  # done, of all: bytes, then photographs

_FEWEST = 0.95  # of the photographs that the publisher promises
_DAMAGE = (*ZIP_DAMAGE, tarfile.TarError)


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
            _Import(row, archive, folder, datasets.settings, report, check).run()
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
    """Where the archive is until it is unpacked; two data sets of one archive have two."""
    name = archive.file_name if archive.handful is None else f"{folder.name}-{archive.file_name}"
    return folder.parent / ".downloads" / name


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
            "The lab can't write to the folder {folder}: {reason}. Free some space there or make "
            "it writable, or set TL_DATA_DIR to another folder.",
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
            "The folder {folder} already exists, but the lab can't read it as a data set. Move or "
            "delete it, then try again.",
            folder=folder.name,
        )


@dataclass(frozen=True, slots=True)
class _Import:
    """One archive on its way to the folder of its data set."""

    row: DatasetRow
    archive: DataArchive
    folder: Path
    settings: Settings
    report: Report
    check: Check

    def run(self) -> None:
        settings, target = self.settings, archive_file(self.folder, self.archive)
        keep_free_bytes = settings.keep_free_disk_mb * 2**20
        request = self.archive.request(target.parent, settings.mirror, keep_free_bytes)
        request = replace(request, target=target)
        handful = self.archive.handful
        if handful is None or not self._is_read_in_parts(request, handful):
            self._read_whole(request)

    def _is_read_in_parts(self, request: DownloadRequest, handful: Handful) -> bool:
        """Make the folder of parts of the archive, unless the server does not send them."""
        for _ in range(2):  # once more if the archive is replaced on the server meanwhile
            try:
                with self._unfinished(handful.size_bytes) as target:
                    self._write(self._of_parts(request, handful), target)
                return True
            except _DAMAGE as error:
                raise self._damaged() from error
            except FileChanged:
                log.info("%s has changed on the server", request.url)
            except NoRanges:
                break
        log.info("%s sends no parts of %s", request.host, request.target.name)
        return False

    def _read_whole(self, request: DownloadRequest) -> None:
        """Make the folder of the downloaded archive; delete it then, or if it is damaged."""
        fetch(request, report=self._report_download, check=self.check)
        handful, file = self.archive.handful, request.target
        try:
            with self._unfinished(handful.size_bytes if handful else file.stat().st_size) as target:
                self._write(self._of_file(file), target)
        except _DAMAGE as error:
            file.unlink()
            raise self._damaged() from error
        file.unlink()

    def _report_download(self, done: int, total: int | None) -> None:
        self.report("downloading", done, total or self.archive.size_bytes)

    @contextmanager
    def _unfinished(self, needed_bytes: int) -> Iterator[Path]:
        """A folder that takes the place of the data set's if all goes well, and else is deleted."""
        unfinished = unfinished_folder(self.folder)
        shutil.rmtree(unfinished, ignore_errors=True)  # of a run that was killed
        try:
            self._require_room(needed_bytes)
            yield unfinished
            unfinished.replace(self.folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def _require_room(self, size_bytes: int) -> None:
        keep_free_bytes = self.settings.keep_free_disk_mb * 2**20
        needed = round(1.1 * size_bytes) + keep_free_bytes  # photographs hardly compress
        if free_bytes(self.folder.parent) < needed:
            raise UserError(
                "To unpack {label}, the lab needs {needed} MB more on the disk that holds the "
                "folder {folder}. Free some space there and try again.",
                label=Phrase(self.row.label),
                needed=needed // 2**20,
                folder=self.folder.parent.name,
            )

    def _of_parts(self, request: DownloadRequest, handful: Handful) -> Iterator[Photo]:
        return photos_in_parts(
            request,
            self.archive,
            handful,
            max_pixels=self.settings.max_pixels,
            report=self._report_download,
            check=self.check,
        )

    def _of_file(self, file: Path) -> Iterator[Photo]:
        """The photographs of a downloaded archive that belong to the data set."""
        photos, handful = self._of_archive(file), self.archive.handful
        if handful is not None:
            photos = photos_in_file(
                file,
                self.archive,
                handful,
                max_pixels=self.settings.max_pixels,
                check=self.check,
            )
        for count, photo in enumerate(photos, 1):
            yield photo
            self.report("unpacking", count, max(self.row.photographs, count))

    def _of_archive(self, file: Path) -> Iterator[Photo]:
        for name, stream in _members(file):
            self.check()
            class_name = self.archive.class_of(name)
            if class_name is not None:
                yield class_name, name.name, stream().read(MAX_BYTES)

    def _write(self, photos: Iterator[Photo], target: Path) -> None:
        """Write the photographs into ``target``, a folder per class."""
        count = 0
        for class_name, name, data in photos:
            self.check()
            place = target / _safe_name(class_name) / _safe_name(name)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
            count += 1
        if count < _FEWEST * self.row.photographs:
            raise EOFError(f"{count} photographs only")

    def _damaged(self) -> UserError:
        return UserError(
            "The archive of {label} is damaged or incomplete, so the lab deleted it. Download it "
            "again.",
            label=Phrase(self.row.label),
        )


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
