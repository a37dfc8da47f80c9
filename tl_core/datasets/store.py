"""Every data set of one lab: the catalogue's, the folders in TL_DATA_DIR, visitors' own."""

import os
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Literal

from tl_core.datasets.catalogue import DATASETS, DataArchive, DatasetRow
from tl_core.datasets.dataset import Dataset, Example, Side
from tl_core.datasets.folder import (
    PHOTO_SUFFIXES,
    CheckedFile,
    FolderIndex,
    check_files,
    class_names,
    count_classes,
    is_dataset,
    is_inside_name,
    names_of_class,
)
from tl_core.datasets.packaged import Labelled
from tl_core.errors import Phrase, UserError
from tl_core.images.decode import MAX_BYTES, content_key
from tl_core.images.photo_store import PhotoStore
from tl_core.machine.files import read_regular
from tl_core.settings import Settings
from tl_core.specs.datasets import FOLDER, OWN_DATASET, OwnClasses


@dataclass(frozen=True, slots=True)
class DatasetStatus:
    """One data set as the picker shows it; ``row`` is None for a folder beside the catalogue."""

    key: str
    label: str
    state: Literal["ready", "can be downloaded"]
    row: DatasetRow | None = None


class DatasetStore:
    """Finds and opens data sets; thread-safe, keeps only what installed packages hold."""

    def __init__(self, settings: Settings, catalogue: tuple[DatasetRow, ...] = DATASETS) -> None:
        self.settings = settings
        self.rows = {row.key: row for row in catalogue}

    def entries(self) -> list[DatasetStatus]:
        """What there is to choose from: the catalogue in its order, then other folders by name."""
        listed = [self._entry(row) for row in self.rows.values()]
        names = (name for name in self._folder_names() if not self._is_archive(name))
        return listed + [DatasetStatus(self._key(name), _label(name), "ready") for name in names]

    def folder(self, key: str) -> Path:
        """Where the data set ``key`` is, or will be once downloaded."""
        return self.settings.data_dir / key.removeprefix(FOLDER)

    def archive(self, key: str) -> tuple[DatasetRow, DataArchive]:
        """The catalogue's row and its archive, for what can be downloaded.

        Raises:
            UserError: If it is not one of those.
        """
        row = self.rows.get(key)
        if row is None or not isinstance(row.source, DataArchive):
            choices = (k for k, r in self.rows.items() if isinstance(r.source, DataArchive))
            raise UserError(
                "There is no data set called {key} to download. Choose one of: {keys}.",
                key=key,
                keys=", ".join(choices),
            )
        return row, row.source

    def packaged(self, key: str) -> Dataset | None:
        """The data set if an installed package holds it; the first call may take half a second.

        Raises:
            UserError: If the package is not installed in full.
        """
        row = self.rows.get(key)
        return None if row is None or isinstance(row.source, DataArchive) else _packaged(row)

    def index(self, key: str) -> FolderIndex:
        """The files of a data set on disk.

        Raises:
            UserError: If there is no such folder, it was not downloaded yet, or has no classes.
        """
        folder = self.folder(key)
        if key in self.rows and not is_dataset(folder):
            raise UserError(
                "{label} is not on this machine yet. Download it on the Teach page or with "
                "python -m tl_core prepare {key}.",
                label=Phrase(self.rows[key].label),
                key=key,
            )
        if not self._has_folder(key):
            raise UserError(
                "There is no data set called {key}. Choose one of: {keys}.",
                key=key,
                keys=", ".join(entry.key for entry in self.entries()),
            )
        count = count_classes(folder)
        if count < 2:
            raise UserError(
                "The lab needs at least two readable folders of photographs in {folder}, one for "
                "each class, but found {count}.",
                folder=folder.name,
                count=count,
            )
        keep_free_bytes = self.settings.keep_free_disk_mb * 2**20
        return FolderIndex(folder, self.settings.cache_dir, keep_free_bytes=keep_free_bytes)

    def check(self, key: str, names: Iterable[str]) -> list[CheckedFile]:
        """Read and decode some files of a folder; runs in the pool."""
        return check_files(self.folder(key), names, self.settings.max_pixels)

    def open(self, index: FolderIndex) -> Dataset:
        """The data set of an index whose files have all been checked.

        Raises:
            UserError: If fewer than two classes have a photograph.
        """
        name = index.folder.name
        row = self.rows[name] if self._is_archive(name) else None
        return index.dataset(
            label=row.label if row else _label(name),
            is_unlike_imagenet=row.is_unlike_imagenet if row else False,
        )

    def classes(self, key: str) -> tuple[str, ...]:
        """The names of a data set's classes; none where there is no such data set here."""
        packaged = self.packaged(key)
        if packaged is not None:
            return packaged.classes
        return class_names(self.folder(key)) if self._has_folder(key) else ()

    def names(self, key: str, class_name: str) -> list[str]:
        """The photographs of one class, by their names in the data set; not looked at yet."""
        packaged = self.packaged(key)
        if packaged is not None:
            named = ((packaged.classes[e.label], e.name) for e in packaged.examples)
            return [name for found, name in named if found == class_name]
        return names_of_class(self.folder(key), class_name) if self._has_folder(key) else []

    def read(self, key: str, name: str) -> bytes:
        """The file of one photograph, by its name in the data set (``Example.name``).

        Raises:
            UserError: If there is no such photograph.
        """
        packaged, place = self.packaged(key), self.folder(key) / name
        is_inside = self._has_folder(key) and is_inside_name(name)
        try:
            if packaged is not None:
                everything = chain(packaged.examples, *packaged.tests.values())
                return packaged.read(next(e for e in everything if e.name == name))
            if is_inside and place.suffix.lower() in PHOTO_SUFFIXES:
                return read_regular(place, MAX_BYTES)
        except (OSError, StopIteration) as error:
            raise _no_photograph(name) from error
        raise _no_photograph(name)

    def stamp(self, key: str) -> Hashable:
        """Return what changes when a file comes into the data set's folder, or goes."""
        folders = os.walk(self.folder(key))  # none, where it is on no disk
        return tuple((place, _changed_ns(place)) for place, _, _ in folders)

    def _entry(self, row: DatasetRow) -> DatasetStatus:
        is_ready = not isinstance(row.source, DataArchive) or is_dataset(self.folder(row.key))
        return DatasetStatus(row.key, row.label, "ready" if is_ready else "can be downloaded", row)

    def _is_archive(self, name: str) -> bool:
        """Whether a folder of this name is where a download of the catalogue goes."""
        return name in self.rows and isinstance(self.rows[name].source, DataArchive)

    def _key(self, name: str) -> str:
        """The key of a folder that is not in the catalogue."""
        is_taken = name in self.rows or name == OWN_DATASET or name.startswith(FOLDER)
        return FOLDER + name if is_taken else name

    def _has_folder(self, key: str) -> bool:
        """Whether there is such a folder directly in TL_DATA_DIR."""
        name = key.removeprefix(FOLDER)
        return name == Path(name).name != ".." and bool(name) and os.path.isdir(self.folder(key))

    def _folder_names(self) -> list[str]:
        try:
            return sorted(p.name for p in self.settings.data_dir.iterdir() if is_dataset(p))
        except OSError:
            return []  # no such folder yet: nothing has been put there


def own_dataset(
    classes: OwnClasses,
    photos: PhotoStore,
    tests: OwnClasses = (),
    bursts: Sequence[Sequence[str]] = (),
) -> Dataset:
    """A visitor's photographs as a data set; their files stay in the photo store.

    A class that is among ``tests`` is tested on those and learns from all of its own. ``bursts``
    are recordings of a camera.
    """
    recording = {key: f"burst {number}" for number, keys in enumerate(bursts) for key in keys}
    names = [name for name, _ in classes]
    tested = {name for name, keys in tests if keys}
    learned: list[tuple[str, str, Side]] = [
        (name, key, "train" if name in tested else "") for name, keys in classes for key in keys
    ]
    held: list[tuple[str, str, Side]] = [
        (name, key, "validation") for name, keys in tests for key in keys
    ]
    return Dataset(
        key=OWN_DATASET,
        label="Your own",
        classes=tuple(names),
        examples=tuple(
            Example(key, names.index(name), key, side, recording.get(key, ""))
            for name, key, side in learned + held
        ),
        read=lambda example: photos.data(example.key),
        is_private=True,
    )


@cache
def _packaged(row: DatasetRow) -> Dataset:
    if isinstance(row.source, DataArchive):
        raise TypeError(f"{row.key} is not in an installed package")
    found = row.source()
    by_key = dict[str, bytes]()

    def examples(files: Labelled, folder: str = "", side: Side = "") -> tuple[Example, ...]:
        by_key.update((content_key(data), data) for _, data in files)
        return tuple(
            Example(
                content_key(data), label, f"{folder}{found.classes[label]}/{number:04d}.png", side
            )
            for number, (label, data) in enumerate(files)
        )

    learned = examples(found.photos, side="train" if found.validation else "")
    return Dataset(
        key=row.key,
        label=row.label,
        classes=found.classes,
        examples=learned + examples(found.validation, "validation/", "validation"),
        read=lambda example: by_key[example.key],
        is_unlike_imagenet=row.is_unlike_imagenet,
        tests={
            name: examples(files, f"test_{number}/")
            for number, (name, files) in enumerate(found.tests.items())
        },
    )


def _no_photograph(name: str) -> UserError:
    return UserError(
        "There is no photograph called {name} in that data set. Look at the data again.", name=name
    )


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _changed_ns(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return -1  # gone since it was listed
