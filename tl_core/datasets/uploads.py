"""A visitor's own photographs to learn from: made smaller, kept in memory only."""

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from tl_core.datasets.dropped_folder import Drop
from tl_core.errors import UserError
from tl_core.images.decode import PROBE_SIDE, content_key, count_pixels, decode
from tl_core.images.encode import encode_jpeg
from tl_core.images.photo_store import Addition, PhotoStore
from tl_core.specs.datasets import OwnClasses, clean_name, require_classes

MAX_TOTAL_PIXELS = 4_000_000_000  # of one upload: 330 photographs from a phone
MAX_UPLOAD_S = 120.0
_SHORTER_SIDE = 512  # pixels; no network here looks at more
_SMALL_BYTES, _LARGE_BYTES = 100_000, 300_000
_JPEG_QUALITY = 92


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
        except UserError:
            left_out.append(drop.name)
        else:
            key = content_key(data)
            keys.append(key)
            size_bytes += 0 if key in files else len(data)
            files[key] = data
            photos.require_room(size_bytes)
    _require_photos(found)
    classes = tuple((name, tuple(keys)) for name, keys in found.items())
    require_classes(classes)
    addition.keep(files)
    return OwnUpload(classes, tuple(left_out), tuple(beside))


def keep_first(
    files: Iterable[bytes],
    count: int,
    photos: PhotoStore,
    owner: str,
    max_pixels: int,
    *,
    besides: Collection[str] = (),
) -> tuple[str, ...]:
    """Put the first ``count`` different photographs of ``files`` into the store; their keys.

    What cannot be read or has its key in ``besides`` is passed over. Safe in any thread.

    Raises:
        UserError: If there is no room for them, or the owner was forgotten: none is kept.
    """
    found: dict[str, bytes] = {}
    with photos.adding(owner) as addition:
        for data in files:
            addition.require_wanted()
            try:
                small = compact(data, max_pixels)
            except UserError:
                continue
            key = content_key(small)
            if key not in besides:
                found[key] = small
            if len(found) == count:
                break
        addition.keep(found)
    return tuple(found)


def keep_one(data: bytes, photos: PhotoStore, owner: str, max_pixels: int) -> str:
    """Put one photograph into the store, made smaller where it is large; its key.

    Raises:
        UserError: If it is none that the lab can read, or there is no room for it.
    """
    small = compact(data, max_pixels)
    key = content_key(small)
    with photos.adding(owner) as addition:
        addition.keep({key: small})
    return key


class _Budget:
    """The time and pixels that one upload may take; its time begins now."""

    def __init__(self) -> None:
        self._ends_at = time.monotonic() + MAX_UPLOAD_S
        self._pixels = 0

    def require_time(self) -> None:
        if time.monotonic() > self._ends_at:
            raise UserError(
                "These photographs take longer than {limit} seconds to read. Choose fewer or "
                "smaller ones.",
                limit=round(MAX_UPLOAD_S),
            )

    def spend(self, pixels: int) -> None:
        self._pixels += pixels
        if self._pixels > MAX_TOTAL_PIXELS:
            raise UserError(
                "Together these photographs have more than {limit} million pixels. Shrink them, "
                "or choose fewer.",
                limit=MAX_TOTAL_PIXELS // 10**6,
            )


def _require_photos(kept: dict[str, list[str]]) -> None:
    for name, keys in kept.items():
        if not keys:
            raise UserError(
                "The class {name} has no photographs that the lab can read. Add some, or remove "
                "the folder.",
                name=name,
            )


def compact(data: bytes, max_pixels: int) -> bytes:
    """The file, or a smaller JPEG of a large photograph, so that a class fits into the photo store.

    Raises:
        UserError: If it is no photograph that the lab can read.
    """
    is_small = len(data) <= _SMALL_BYTES
    at_least = PROBE_SIDE if is_small else _SHORTER_SIDE + 1
    photo = decode(data, max_pixels=max_pixels, at_least=at_least)
    if is_small:
        return data
    scale = _SHORTER_SIDE / min(photo.size)
    if scale < 1:
        photo = photo.resize((round(photo.width * scale), round(photo.height * scale)))
    elif len(data) <= _LARGE_BYTES:
        return data  # a saved attack stays one
    return min(encode_jpeg(photo, quality=_JPEG_QUALITY), data, key=len)
