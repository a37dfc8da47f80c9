"""Data sets as people keep them on disk: a folder per class, with or without train/ and val/."""

import hashlib
import json
import logging
import os.path
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path, PurePath

from tl_core.datasets.dataset import Dataset, Example, Side
from tl_core.errors import UserError
from tl_core.fetching import has_room
from tl_core.images.decode import MAX_BYTES, PROBE_SIDE, content_key, decode
from tl_core.machine.files import GONE, read_regular, state_of, write_whole
from tl_core.specs.datasets import look_different

log = logging.getLogger(__name__)

PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".heic", ".heif"})
_SIDES: dict[str, Side] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "validation",
}


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """One file of a data set and the key of its content, "" if no decoder can read it.

    Size and time of change are ``GONE``, as no file has them, where another try may end better.
    """

    name: str  # relative to the data set's folder, with forward slashes
    size_bytes: int
    changed_ns: int
    key: str


class FolderIndex:
    """A folder's files and the result of checking each, kept in ``cache`` between runs.

    Only the thread that made it may change it; ``check_files`` runs anywhere.
    """

    def __init__(self, folder: Path, cache: Path, *, keep_free_bytes: int = 0) -> None:
        place = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
        self._file = cache / "index" / f"{folder.name}-{place}.json"
        self._keep_free_bytes = keep_free_bytes
        self.folder = folder
        self.names = tuple(sorted(_photo_names(folder)))
        self.known = self._unchanged()

    def unknown(self) -> list[str]:
        """Files that are new or have changed since they were last checked."""
        return [name for name in self.names if name not in self.known]

    def add(self, checked: Iterable[CheckedFile]) -> None:
        """Add what ``check_files`` returned."""
        self.known.update({entry.name: entry for entry in checked})

    def save(self) -> None:
        """Write what is known to the cache; one that cannot be written costs time only."""
        data = json.dumps([astuple(entry) for entry in self.known.values()]).encode()
        try:
            if not has_room(self._file.parent, len(data), self._keep_free_bytes):
                log.warning("the index of %s is not kept: the disk is nearly full", self.folder)
                return
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._file, data)
        except OSError as error:
            log.warning("the index of %s is not kept: %s", self.folder, error)

    def dataset(self, *, label: str, is_unlike_imagenet: bool = False) -> Dataset:
        """The folder as a data set, of the files that are known to be readable.

        Raises:
            UserError: If fewer than two classes have a photograph.
        """
        good = [self.known[name] for name in self.names if self.known[name].key]
        classes = tuple(sorted({class_name(entry.name) for entry in good}))
        if len(classes) < 2:
            raise UserError(
                "{folder} has photographs of fewer than two classes. Make one folder per class.",
                folder=self.folder.name,
            )
        if not look_different(classes):
            raise UserError(
                "{folder} has class names that look the same. Rename them.", folder=self.folder.name
            )
        labels = {name: label for label, name in enumerate(classes)}
        return Dataset(
            key=self.folder.name,
            label=label,
            classes=classes,
            examples=tuple(
                Example(e.key, labels[class_name(e.name)], e.name, _side(e.name)) for e in good
            ),
            read=lambda example: (self.folder / example.name).read_bytes(),
            is_unlike_imagenet=is_unlike_imagenet,
            left_out=tuple(name for name in self.names if not self.known[name].key),
        )

    def _unchanged(self) -> dict[str, CheckedFile]:
        try:
            entries = [CheckedFile(*row) for row in json.loads(self._file.read_text())]
        except (OSError, ValueError, TypeError):
            return {}  # no index yet, or one that a crash left unreadable: check again
        present = set(self.names)
        return {
            e.name: e
            for e in entries
            if e.name in present and state_of(self.folder / e.name) == (e.size_bytes, e.changed_ns)
        }


def check_files(folder: Path, names: Iterable[str], max_pixels: int) -> list[CheckedFile]:
    """Read and decode files; safe in any thread.

    A file that only the disk or a lack of memory keeps from being read is left out this time.
    """
    return [_checked(folder, name, max_pixels) for name in names]


def _checked(folder: Path, name: str, max_pixels: int) -> CheckedFile:
    state = state_of(folder / name)
    try:
        data = read_regular(folder / name, MAX_BYTES)
        decode(data, max_pixels=max_pixels, at_least=PROBE_SIDE)
    except OSError as error:
        log.warning("%s cannot be read: %s", folder / name, error)
        return CheckedFile(name, *GONE, "")
    except UserError as error:
        is_its_fault = not isinstance(error.__cause__, MemoryError)
        return CheckedFile(name, *(state if is_its_fault else GONE), "")
    return CheckedFile(name, *state, content_key(data))


def is_dataset(folder: Path) -> bool:
    """Whether a folder has two classes or more; photographs are not looked at."""
    return not folder.name.startswith(".") and count_classes(folder) >= 2


def count_classes(folder: Path) -> int:
    """How many folders in it could be classes; none of one that is not there or cannot be read."""
    return len(class_names(folder))


def class_names(folder: Path) -> tuple[str, ...]:
    """Names of the folders in it that could be classes; photographs are not looked at."""
    inner = _folders(folder)
    sides = [place for place in inner if place.name.lower() in _SIDES]
    places = [place for side in sides for place in _folders(side)] if sides else inner
    return tuple(sorted({place.name for place in places}))


def names_of_class(folder: Path, of_class: str) -> list[str]:
    """Names of the photographs of one class, as they lie in ``folder``."""
    return sorted(name for name in _photo_names(folder) if class_name(name) == of_class)


def is_inside_name(name: str) -> bool:
    """Whether a file's name stays in its data set; links there are whoever runs the lab's own."""
    path = PurePath(name)
    return not path.is_absolute() and not path.drive and ".." not in path.parts


def class_name(name: str) -> str:
    """Return the class of a photograph: the folder it lies in, below train/ or val/ if any."""
    parts = name.split("/")
    return parts[1] if _side(name) else parts[0]


def _side(name: str) -> Side:
    parts = name.split("/")
    return _SIDES.get(parts[0].lower(), "") if len(parts) > 2 else ""


def _folders(folder: Path) -> list[Path]:
    try:
        inside = list(folder.iterdir())
    except OSError:
        return []  # not there, no folder, or nobody's but the system's, such as lost+found
    return [p for p in inside if os.path.isdir(p) and not p.name.startswith(".")]


def _photo_names(folder: Path) -> list[str]:
    names: list[str] = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]  # walks only these
        inside = Path(place).relative_to(folder).as_posix()
        if inside != ".":
            photos = (file for file in files if Path(file).suffix.lower() in PHOTO_SUFFIXES)
            names.extend(f"{inside}/{file}" for file in photos if not file.startswith("."))
    return names
