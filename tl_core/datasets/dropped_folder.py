"""Dropped files sorted into classes by the folders they lie in."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from tl_core.datasets.folder import PHOTO_SUFFIXES
from tl_core.errors import UserError


@dataclass(frozen=True, slots=True)
class Drop:
    """One dropped file; an empty ``data`` stands for a folder without files."""

    class_name: str  # empty for a photograph that lies beside the folders of classes
    name: str
    data: bytes


def folder_drops(files: Iterable[tuple[str, bytes]]) -> Iterator[Drop]:
    """Sort a dropped folder's files, by their paths in it, into classes: the folders they lie in.

    Raises:
        UserError: If no file lies in a folder.
    """
    by_path = {PurePosixPath(name): data for name, data in files}
    for path, class_name in by_class(by_path):
        yield Drop(class_name, str(path), by_path[path])


def by_class(paths: Iterable[PurePosixPath]) -> Iterator[tuple[PurePosixPath, str]]:
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
            "There are no folders inside, so the lab can't tell the classes apart. Put the "
            "photographs into one folder per class."
        )
    return inner


def _is_hidden(path: PurePosixPath) -> bool:
    """Whether the system added it: .DS_Store, __MACOSX/, Thumbs.db."""
    by_system = path.name in ("Thumbs.db", "desktop.ini")
    return by_system or any(part.startswith((".", "__MACOSX")) for part in path.parts)
