"""A visitor's own photographs: dropped as files, as a folder or as a zip, kept in memory only."""

import lzma
import stat
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from tl_core.datasets.folder import PHOTO_SUFFIXES
from tl_core.errors import UserError
from tl_core.images.codec import MAX_BYTES, count_pixels, decode, encode_jpeg
from tl_core.images.photo_store import Addition, PhotoStore
from tl_core.specs import MAX_CLASSES, OwnClasses, require_classes
from tl_core.specs.datasets import MAX_PHOTOS, clean_name

MAX_TOTAL_BYTES = 2**30  # of what a zip unpacks to
MAX_TOTAL_PIXELS = 4_000_000_000  # of one upload: 330 photographs from a phone
MAX_UPLOAD_S = 120.0
_MAX_ENTRIES = MAX_PHOTOS + 2 * MAX_CLASSES
_ENTRIES, _LIST_BYTES = zipfile._ECD_ENTRIES_TOTAL, zipfile._ECD_SIZE  # type: ignore[attr-defined]
_LISTED_BYTES = 300  # of a zip's own list of contents, more than an entry takes
_SHORTER_SIDE = 512  # pixels; no network here looks at more
_LARGE_BYTES = 300_000
_JPEG_QUALITY = 92
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError),
    OSError,  # bz2 raises it
)


@dataclass(frozen=True, slots=True)
class Drop:
    """One dropped file; an empty ``data`` stands for a folder without files."""

    class_name: str  # empty for a photograph that lies beside the folders of classes
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class OwnUpload:
    """The result for a visitor's files: classes for a spec, and the files left out."""

    classes: OwnClasses
    left_out: tuple[str, ...]  # files that are no photographs
    beside: tuple[str, ...] = ()  # photographs that lie beside folders of others, not in one


def keep_drops(drops: Iterable[Drop], photos: PhotoStore, owner: str, max_pixels: int) -> OwnUpload:
    """Put a visitor's files into the photo store by class, and leave out what cannot be read.

    Large photographs are kept smaller, their shorter side at 512 pixels. Takes some ten
    milliseconds a photograph; safe in any thread. Of what is refused the store keeps nothing. If
    the owner is forgotten meanwhile, the work ends at the next photograph.

    Raises:
        UserError: If nothing can be learned from what is left, there is no room for it, it is
            more work than the lab does for one upload, or the owner was forgotten.
    """
    with photos.adding(owner) as addition:
        return _keep_drops(drops, photos, addition, max_pixels)


def _keep_drops(
    drops: Iterable[Drop], photos: PhotoStore, addition: Addition, max_pixels: int
) -> OwnUpload:
    found: dict[str, list[str]] = {}
    files: dict[str, bytes] = {}
    left_out, beside, size_bytes = [], [], 0
    budget = _Budget()
    for drop in drops:
        addition.require_wanted()
        budget.require_time()
        if not drop.class_name:
            beside.append(drop.name)
            continue
        keys = found.setdefault(clean_name(drop.class_name), [])
        if not drop.data:
            continue
        try:
            pixels = count_pixels(drop.data, max_pixels=max_pixels)
        except UserError:
            left_out.append(drop.name)  # the page lists them
            continue
        budget.spend(pixels)
        try:
            data = compact(drop.data, max_pixels)
            key = photos.check(data)
        except UserError:
            left_out.append(drop.name)
        else:
            keys.append(key)
            size_bytes += 0 if key in files else len(data)
            files[key] = data
            photos.require_room(size_bytes)
    _require_photos(found)
    classes = tuple((name, tuple(keys)) for name, keys in found.items())
    require_classes(classes)
    addition.keep(files)
    return OwnUpload(classes, tuple(left_out), tuple(beside))


class _Budget:
    """The time and pixels that one upload may take; its time begins now."""

    def __init__(self) -> None:
        self._ends_at = time.monotonic() + MAX_UPLOAD_S
        self._pixels = 0

    def require_time(self) -> None:
        if time.monotonic() > self._ends_at:
            raise UserError(
                "These photographs take longer than {limit} seconds to read. "
                "Drop fewer or smaller ones.",
                limit=round(MAX_UPLOAD_S),
            )

    def spend(self, pixels: int) -> None:
        self._pixels += pixels
        if self._pixels > MAX_TOTAL_PIXELS:
            raise UserError(
                "These photographs have more than {limit} million pixels together. "
                "Save them smaller, or drop fewer.",
                limit=MAX_TOTAL_PIXELS // 10**6,
            )


def folder_drops(files: Iterable[tuple[str, bytes]]) -> Iterator[Drop]:
    """Sort a dropped folder's files, by their paths in it, into classes: the folders they lie in.

    Raises:
        UserError: If no file lies in a folder.
    """
    by_path = {PurePosixPath(name): data for name, data in files}
    for path, class_name in _sorted(by_path):
        yield Drop(class_name, str(path), by_path[path])


def zip_drops(file: BinaryIO) -> Iterator[Drop]:
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
            for name in _empty_folders(infos):
                yield Drop(name, name, b"")
            for path, class_name in _sorted(paths):
                with packed.open(paths[path]) as stream:  # a header that lies about its size is cut
                    yield Drop(class_name, str(path), stream.read(MAX_BYTES))
    except _DAMAGE as error:
        raise UserError(
            "This zip is damaged or locked with a password. Pack it again without one."
        ) from error


def _sorted(paths: Iterable[PurePosixPath]) -> Iterator[tuple[PurePosixPath, str]]:
    """The files that may be photographs, each with its class; "" for one beside the classes."""
    paths = [path for path in paths if not _is_hidden(path)]
    folders = _class_folders(paths)
    for path in paths:
        if path.parent in folders:
            yield path, path.parent.name
        elif path.suffix.lower() in PHOTO_SUFFIXES:
            yield path, ""


def _class_folders(paths: Iterable[PurePosixPath]) -> set[PurePosixPath]:
    """The innermost folders, of which there must be one; files beside them belong to no class."""
    folders = {path.parent for path in paths}
    wrappers = {outer for folder in folders for outer in folder.parents}
    inner = folders - wrappers - {PurePosixPath(".")}
    if not inner:
        raise UserError(
            "There are no folders in it, so the lab cannot tell the classes apart. "
            "Put the photographs into one folder per class."
        )
    return inner


def _listed(file: BinaryIO) -> int:
    """About how many entries a zip has, by its last record: its list of contents is not read.

    The record may lie about their number, but not about the length of the list.
    """
    last: Any = zipfile._EndRecData(file)  # type: ignore[attr-defined]  # as ZipFile reads it
    if last is None:
        raise zipfile.BadZipFile("no last record")
    return int(max(last[_ENTRIES], last[_LIST_BYTES] // _LISTED_BYTES))


def _require_few(count: int) -> None:
    if count > _MAX_ENTRIES:
        raise UserError(
            "This zip has {count} entries and the lab takes up to {limit}. Pack fewer photographs.",
            count=count,
            limit=_MAX_ENTRIES,
        )


def _require_harmless(infos: list[zipfile.ZipInfo]) -> None:
    """Refuse a zip by its own list of contents."""
    if not all(info.filename for info in infos):
        raise zipfile.BadZipFile("an entry without a name")
    if any(_reaches_outside(info) for info in infos):
        raise UserError(
            "This zip has entries that point outside its own folder, so the lab does not open it. "
            "Pack the photographs again, one folder per class."
        )
    if sum(info.file_size for info in infos) > MAX_TOTAL_BYTES:
        raise UserError(
            "This zip unpacks to more than {limit} MB. Pack fewer or smaller photographs.",
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


def _is_hidden(path: PurePosixPath) -> bool:
    """Whether the system added it: .DS_Store, __MACOSX/, Thumbs.db."""
    by_system = path.name in ("Thumbs.db", "desktop.ini")
    return by_system or any(part.startswith((".", "__MACOSX")) for part in path.parts)


def _require_photos(kept: dict[str, list[str]]) -> None:
    for name, keys in kept.items():
        if not keys:
            raise UserError(
                "The class {name} has no photograph that the lab can read. "
                "Add some, or take the folder out.",
                name=name,
            )


def compact(data: bytes, max_pixels: int) -> bytes:
    """The file, or a smaller JPEG of a large photograph, so that a class fits into the photo store.

    Raises:
        UserError: If a large file is no photograph that the lab can read.
    """
    if len(data) <= _LARGE_BYTES:
        return data
    photo = decode(data, max_pixels=max_pixels, at_least=_SHORTER_SIDE)
    scale = _SHORTER_SIDE / min(photo.size)
    if scale < 1:
        photo = photo.resize((round(photo.width * scale), round(photo.height * scale)))
    return encode_jpeg(photo, quality=_JPEG_QUALITY)
