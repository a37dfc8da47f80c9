"""The photographs in use: what visitors have dropped, by content, within a budget of bytes."""

import threading
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tl_core.errors import UserError
from tl_core.images import samples
from tl_core.images.decode import MAX_BYTES, content_key, decode
from tl_core.images.photo import Photo
from tl_core.machine.byte_cache import ByteCache

_LEAST_BYTES = 4_096  # that a photograph counts for: a tiny one has a key and owners too


@dataclass(slots=True)
class _File:
    data: bytes
    owners: set[str] = field(default_factory=set)

    @property
    def size_bytes(self) -> int:
        return _counted(self.data)


@dataclass(eq=False)
class Addition:
    """Files on their way into the store for one owner; thread-safe.

    Decoding takes a while, and the owner may be forgotten meanwhile: then nothing is kept.
    """

    _photos: "PhotoStore"
    owner: str
    is_over: bool = False  # guarded by the store's lock

    def require_wanted(self) -> None:
        """Refuse to go on for an owner who was forgotten.

        Raises:
            UserError: If that is so.
        """
        if self.is_over:
            raise UserError(
                "Your visit ended before the lab had read these photographs, so it did not keep "
                "them. Drop them again."
            )

    def keep(self, files: Mapping[str, bytes]) -> None:
        """Keep checked files, by key: all of them or none.

        Raises:
            UserError: If there is no room for them beside other visitors' photographs, they
                exceed the owner's share of memory, or the owner was forgotten.
        """
        self._photos._keep(files, self)  # noqa: SLF001 - the store's own


class PhotoStore:
    """Photographs by key, "sample:<name>" or "sha256:<hex>"; thread-safe.

    The budget is of files: when they are too many, whoever holds most gives up what was used least
    recently, so that nobody pushes out what others hold. Decoded photographs have a budget of their
    own, the least recently used leaves first. They are shared between callers: never change one.
    What asks for a key raises ``UserError`` where it is unknown or had to make room.
    """

    def __init__(
        self,
        budget_bytes: int,
        max_pixels: int,
        *,
        decoded_bytes: int = 2**26,
        require_share: Callable[[str, int], None] = lambda _owner, _size_bytes: None,
    ) -> None:
        self._require_share = require_share
        self._budget_bytes = budget_bytes
        self._max_pixels = max_pixels
        self._files: OrderedDict[str, _File] = OrderedDict()
        self._decoded = ByteCache[Photo](decoded_bytes)
        self._additions: set[Addition] = set()
        self._lock = threading.Lock()

    def add(self, data: bytes, owner: str) -> str:
        """Keep a file that ``owner`` dropped and return its key.

        Raises:
            UserError: If it is no photograph that the lab can read, or too large.
        """
        key = content_key(data)
        with self.adding(owner) as addition:
            photo = self._photo(key, data)
            addition.keep({key: data})
        self._remember(key, photo)
        return key

    @contextmanager
    def adding(self, owner: str) -> Iterator[Addition]:
        """Begin to add files for ``owner``; ``forget`` and ``stop_adding`` end it."""
        addition = Addition(self, owner)
        with self._lock:
            self._additions.add(addition)
        try:
            yield addition
        finally:
            with self._lock:
                self._additions.discard(addition)

    def stop_adding(self, owner: str | None = None) -> None:
        """End what is being added for ``owner``, or for everybody: nothing of it will be kept."""
        with self._lock:
            for addition in self._additions:
                addition.is_over |= owner in (None, addition.owner)

    def _keep(self, files: Mapping[str, bytes], addition: Addition) -> None:
        self._require_share(addition.owner, self._more(files, addition.owner))
        with self._lock:
            addition.require_wanted()
            after = self._files.copy()
            for key, data in files.items():
                old = after.pop(key, None)
                after[key] = _File(data, {addition.owner, *(old.owners if old else ())})
            leaving = _leaving(after, self._budget_bytes)
            if not leaving.isdisjoint(files):
                raise _no_room()
            for key in leaving:
                del after[key]
            self._files = after

    def _more(self, files: Mapping[str, bytes], owner: str) -> int:
        """Bytes of the files that the owner does not hold yet."""
        with self._lock:
            held = {key for key in files if key in self._files and owner in self._files[key].owners}
        return sum(_counted(data) for key, data in files.items() if key not in held)

    def held(self) -> Counter[str]:
        """Bytes of the files by owner; those of a photograph that several have are shared."""
        held: Counter[str] = Counter()
        with self._lock:
            for file in self._files.values():
                for owner in file.owners:
                    held[owner] += file.size_bytes // len(file.owners)
        return held

    def decoded(self) -> Counter[str]:
        """Bytes of the decoded photographs, which are everybody's."""
        return Counter({"": self._decoded.size_bytes})

    def require_room(self, size_bytes: int) -> None:
        """Refuse files that would not fit even if nobody else had any.

        Raises:
            UserError: If they are larger together.
        """
        if size_bytes > self._budget_bytes:
            raise _no_room()

    def __contains__(self, key: str) -> bool:
        """Whether the photograph is at hand."""
        with self._lock:
            return key.startswith(samples.PREFIX) or key in self._files

    def data(self, key: str) -> bytes:
        """The file behind ``key``, as it was dropped."""
        if key.startswith(samples.PREFIX):
            return samples.read(key)
        with self._lock:
            kept = self._files.get(key)
            if kept is None:
                raise _gone()
            self._files.move_to_end(key)
            return kept.data

    def require_not_anothers(self, key: str, owner: str) -> None:
        """Refuse a photograph that is here and that ``owner`` has not dropped.

        Raises:
            UserError: If it is such a one.
        """
        with self._lock:
            if key in self._files and owner not in self._files[key].owners:
                raise _gone()

    def photo(self, key: str) -> Photo:
        """The photograph behind ``key``, upright and in RGB; for reading only."""
        photo = self._photo(key, self.data(key))
        self._remember(key, photo)
        return photo

    def forget(self, owner: str) -> None:
        """Drop the photographs that only ``owner`` had dropped, and keep none still on its way."""
        self.stop_adding(owner)
        with self._lock:
            for kept in self._files.values():
                kept.owners.discard(owner)
            for key in [key for key, kept in self._files.items() if not kept.owners]:
                del self._files[key]
                self._decoded.forget(key)

    def _photo(self, key: str, data: bytes) -> Photo:
        return self._decoded.get(key) or self._decode(data)

    def _decode(self, data: bytes) -> Photo:
        max_bytes = min(MAX_BYTES, self._budget_bytes)
        return decode(data, max_pixels=self._max_pixels, max_bytes=max_bytes)

    def _remember(self, key: str, photo: Photo) -> None:
        size_bytes = 4 * photo.width * photo.height  # Pillow keeps RGB in four bytes a pixel
        self._decoded.put(key, photo, size_bytes, owner=key)  # to be dropped with its file


def _leaving(files: Mapping[str, _File], limit_bytes: int) -> set[str]:
    """Keys of what has to go, in turn from whoever holds most then; shared photographs last.

    ``files`` are in the order of their last use.
    """
    total = sum(file.size_bytes for file in files.values())
    held: Counter[str] = Counter()
    keys: dict[str, list[str]] = defaultdict(list)
    for key, file in files.items():
        for owner in file.owners:
            held[owner] += file.size_bytes
            keys[owner].append(key)
    for own in keys.values():
        own.sort(key=lambda key: len(files[key].owners) > 1)
        own.reverse()  # the first to go is the last
    leaving: set[str] = set()
    while total > limit_bytes:
        key = keys[max(held, key=held.__getitem__)].pop()
        if key not in leaving:  # through another who held it too
            leaving.add(key)
            total -= files[key].size_bytes
            held.subtract(dict.fromkeys(files[key].owners, files[key].size_bytes))
    return leaving


def _counted(data: bytes) -> int:
    return max(len(data), _LEAST_BYTES)


def _gone() -> UserError:
    return UserError("That photograph is no longer in the lab's memory. Drop it again.")


def _no_room() -> UserError:
    return UserError(
        "Other visitors' photographs are using the lab's memory too, so there's no room for "
        "these. Choose fewer or smaller ones."
    )
