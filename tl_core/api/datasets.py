"""``lab.datasets``: what a network can be trained on, visitors' own photographs included."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from tl_core.compute import DatasetFiles
from tl_core.datasets import uploads
from tl_core.datasets.dataset import shuffled
from tl_core.datasets.dropped_folder import Drop, folder_drops
from tl_core.datasets.dropped_zip import zip_drops
from tl_core.datasets.store import DatasetStatus
from tl_core.datasets.uploads import OwnUpload
from tl_core.images.photo_store import PhotoStore
from tl_core.settings import Settings

# Asked before each photograph: True keeps the visit, False ends the work
IsHere = Callable[[], bool]


@dataclass(eq=False, repr=False)
class Datasets:
    """Data sets by key; thread-safe. Adding photographs counts as a sign of the visitor."""

    _store: DatasetFiles
    _photos: PhotoStore
    _settings: Settings
    _touch: Callable[[str], None]

    def rows(self) -> list[DatasetStatus]:
        """The data sets there are: the catalogue's, then what else lies in ``TL_DATA_DIR``."""
        return self._store.entries()

    def add_photo(self, dataset: str, name: str, owner: str) -> str:
        """Keep one photograph of a data set for the visit, so that other pages can show it.

        Raises:
            UserError: If there is no such photograph.
        """
        return self._photos.add(self._store.read(dataset, name), owner)

    def classes(self, dataset: str) -> tuple[str, ...]:
        """The names of a data set's classes; none where it is not on this machine."""
        return self._store.classes(dataset)

    def add_of_class(
        self,
        dataset: str,
        class_name: str,
        count: int,
        owner: str,
        *,
        besides: Collection[str] = (),
    ) -> tuple[str, ...]:
        """Keep ``count`` photographs of one class for the visit, as examples; their keys.

        They are drawn at random, and always the same: fewer are among more. Those that are
        ``besides`` are passed over. Takes some ten milliseconds a photograph.

        Raises:
            UserError: If there is no room for them.
        """
        self._touch(owner)
        names = shuffled(self._store.names(dataset, class_name), f"add {class_name}")
        files = (self._store.read(dataset, name) for name in names)
        limit = self._settings.max_pixels
        return uploads.keep_first(files, count, self._photos, owner, limit, besides=besides)

    def add_example(self, data: bytes, owner: str) -> str:
        """Keep a visitor's photograph to learn from; a large one is made smaller. Its key.

        Raises:
            UserError: If the bytes are no photograph the lab can use.
        """
        self._touch(owner)
        return uploads.keep_one(data, self._photos, owner, self._settings.max_pixels)

    def add_folder(
        self, files: Iterable[tuple[str, bytes]], owner: str, *, is_here: IsHere = lambda: True
    ) -> OwnUpload:
        """Keep photographs named ``class/file``, from boxes or a dropped folder, for the visit.

        Raises:
            UserError: If nothing can be learned from them, or the visit ended.
        """
        return self._keep(folder_drops(files), owner, is_here)

    def add_zip(
        self,
        file: BinaryIO,
        owner: str,
        *,
        is_here: IsHere = lambda: True,
        on_count: Callable[[int], None] = lambda _files: None,
    ) -> OwnUpload:
        """Keep the photographs of a zip with a folder for each class, for the visit.

        ``on_count`` is told how many files there are, once the zip was found to be harmless.

        Raises:
            UserError: If it is damaged, hostile, nothing can be learned from it, or the visit
                ended.
        """
        return self._keep(zip_drops(file, on_count), owner, is_here)

    def _keep(self, drops: Iterable[Drop], owner: str, is_here: IsHere) -> OwnUpload:
        def while_here() -> Iterator[Drop]:
            for drop in drops:
                if is_here():
                    self._touch(owner)
                else:
                    self._photos.stop_adding(owner)
                yield drop

        return uploads.keep_drops(while_here(), self._photos, owner, self._settings.max_pixels)
