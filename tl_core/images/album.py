"""The photographs in use: what visitors have dropped, by content, within a budget of bytes."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from PIL import Image

from tl_core.errors import UserError
from tl_core.images import samples
from tl_core.images.codec import MAX_BYTES, content_key, decode

_MAX_DECODING = 2  # a decoder holds several copies of a large photograph


@dataclass(slots=True)
class _Kept:
    data: bytes
    owners: set[str] = field(default_factory=set)


class Album:
    """Photographs by key, "sample:<name>" or "sha256:<hex>"; thread-safe.

    Half of the budget holds files, the other half decoded photographs; in both the least recently
    used leaves first. Photographs are shared between callers: never change one.
    """

    def __init__(self, budget_bytes: int, max_pixels: int) -> None:
        self._half_budget = budget_bytes // 2
        self._max_pixels = max_pixels
        self._files: OrderedDict[str, _Kept] = OrderedDict()
        self._photos: OrderedDict[str, Image.Image] = OrderedDict()
        self._lock = threading.Lock()
        self._decoding = threading.BoundedSemaphore(_MAX_DECODING)

    def add(self, data: bytes, owner: str) -> str:
        """Keep a file that ``owner`` dropped and return its key.

        Raises:
            UserError: If it is no photograph that the lab can read, or too large.
        """
        key = content_key(data)
        self._decoded(key, data)
        with self._lock:
            kept = self._files.setdefault(key, _Kept(data))
            kept.owners.add(owner)
            self._files.move_to_end(key)
            used = sum(len(file.data) for file in self._files.values())
            while used > self._half_budget:
                used -= len(self._files.popitem(last=False)[1].data)
        return key

    def __contains__(self, key: str) -> bool:
        """Whether the photograph is at hand."""
        with self._lock:
            return key.startswith(samples.PREFIX) or key in self._files

    def data(self, key: str) -> bytes:
        """The file behind ``key``, as it was dropped.

        Raises:
            UserError: If it is unknown or had to make room for others.
        """
        if key.startswith(samples.PREFIX):
            return samples.read(key)
        with self._lock:
            kept = self._files.get(key)
            if kept is None:
                raise UserError("That photograph is no longer in the lab's memory. Drop it again.")
            self._files.move_to_end(key)
            return kept.data

    def photo(self, key: str) -> Image.Image:
        """The photograph behind ``key``, upright and in RGB; for reading only.

        Raises:
            UserError: If it is unknown or had to make room for others.
        """
        return self._decoded(key, self.data(key))

    def forget(self, owner: str) -> None:
        """Drop the photographs that only ``owner`` had dropped."""
        with self._lock:
            for kept in self._files.values():
                kept.owners.discard(owner)
            for key in [key for key, kept in self._files.items() if not kept.owners]:
                del self._files[key]
                self._photos.pop(key, None)

    def _decoded(self, key: str, data: bytes) -> Image.Image:
        with self._lock:
            if key in self._photos:
                self._photos.move_to_end(key)
                return self._photos[key]
        with self._decoding:
            max_bytes = min(MAX_BYTES, self._half_budget)
            photo = decode(data, max_pixels=self._max_pixels, max_bytes=max_bytes)
        with self._lock:
            self._photos[key] = photo
            used = sum(_memory_bytes(kept) for kept in self._photos.values())
            while used > self._half_budget:
                used -= _memory_bytes(self._photos.popitem(last=False)[1])
        return photo


def _memory_bytes(photo: Image.Image) -> int:
    return 4 * photo.width * photo.height  # Pillow keeps RGB in four bytes a pixel
