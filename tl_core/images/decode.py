"""The one place where bytes become photographs.

Every function is safe to call from any thread and changes nothing that Pillow shares.
"""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager

from PIL.ImageFile import ImageFile

from tl_core.errors import UserError
from tl_core.images.formats.table import Format, Parts, format_of
from tl_core.images.memory_share import MemoryShare
from tl_core.images.photo import Photo, PhotoArray, to_array
from tl_core.images.upright import upright_rgb
from tl_core.settings import LARGEST_PHOTO_MB
from tl_core.specs.base import PHOTO_PREFIX

MAX_BYTES = LARGEST_PHOTO_MB * 2**20
PROBE_SIDE = 64  # pixels, as ``at_least``: enough to find a file that no decoder can read
_MIN_SIDE_PX = 8
# For all decoding of the process together, sized for a machine of 2.7 GB: 25 million pixels of any
# format fit. Small photographs, a camera's shots above all, do not wait behind large ones.
_LARGE_SHARE = MemoryShare(450_000_000)
_SMALL_SHARE = MemoryShare(100_000_000)
_SMALL_BYTES = 30_000_000


def decode(
    data: bytes, *, max_pixels: int, max_bytes: int = MAX_BYTES, at_least: int | None = None
) -> Photo:
    """Return the photograph in a file, upright and in RGB, its first frame if it has several.

    The format is known by content, never by name: JPEG, PNG, WebP, GIF, BMP or HEIC. Transparent
    parts become white, 16-bit values are scaled to 8, and nothing of the file's metadata stays.
    Takes at most 18 bytes of memory for each pixel while it runs, a hostile lossless WebP up to
    800 MB more. All threads together take about 550 MB; what needs more alone runs alone, and who
    finds no room waits for those before.

    Args:
        data: The whole file.
        max_pixels: Most width x height, checked before anything is decoded; `settings.py` says how
            many the lab takes.
        max_bytes: Longest file.
        at_least: For speed: a JPEG may come out smaller by a whole factor, but its shorter side
            no smaller than this. Without it every pixel is kept.

    Raises:
        UserError: If the file is empty, too large, too small, damaged, or no photograph.
    """
    _require_length(data, max_bytes)
    with _refuse_damaged():
        row = format_of(data)
        parts = row.needed(data)
        size_bytes = row.bytes_per_pixel * _count_pixels(row, parts, max_pixels)
        size_bytes += row.extra_bytes(parts)
        share = _SMALL_SHARE if size_bytes <= _SMALL_BYTES else _LARGE_SHARE
        with share.hold(size_bytes):
            return upright_rgb(_load(row, parts, max_pixels, at_least))


def count_pixels(data: bytes, *, max_pixels: int, max_bytes: int = MAX_BYTES) -> int:
    """Return width x height of the photograph in a file, by its headers; nothing is decoded.

    Raises:
        UserError: As ``decode``, where the headers alone show it.
    """
    _require_length(data, max_bytes)
    with _refuse_damaged():
        row = format_of(data)
        return _count_pixels(row, row.needed(data), max_pixels)


def _require_length(data: bytes, max_bytes: int) -> None:
    if not data:
        raise UserError("This file is empty. Choose another photograph.")
    if len(data) > max_bytes:
        raise UserError(
            "This file is {size} MB, but the lab takes at most {limit} MB. Shrink the photograph, "
            "then drop it here again.",
            size=-(-len(data) // 2**20),
            limit=max_bytes // 2**20,
        )


@contextmanager
def _refuse_damaged() -> Iterator[None]:
    """Decoders raise whatever they like over hostile bytes, such as SyntaxError or struct.error.

    To the visitor all of it means "damaged", but for a lack of memory.
    """
    try:
        yield
    except UserError:
        raise
    except MemoryError as error:
        raise UserError(
            "There is too little memory for this photograph right now. Try again in a moment, or "
            "choose a smaller one."
        ) from error
    except Exception as error:
        raise UserError(
            "This photograph is damaged and cannot be read. Save it again or choose another one."
        ) from error


def _open(row: Format, parts: Parts) -> ImageFile:
    return row.reader(io.BytesIO(b"".join(parts)))


def _count_pixels(row: Format, parts: Parts, max_pixels: int) -> int:
    """Width x height by the headers alone; nothing stays open while a thread waits for its turn."""
    if row.size is not None:
        _check_size(row.size(parts), max_pixels)
    with _open(row, parts) as file:
        _check_size(file.size, max_pixels)
        _require_fast_codec(file)
        return file.width * file.height


def _load(row: Format, parts: Parts, max_pixels: int, at_least: int | None) -> Photo:
    """A copy of the picture as it is stored: the decoder's own memory is free on return."""
    with _open(row, parts) as file:
        if at_least is not None and row.name == "JPEG":
            file.draft(None, (at_least, at_least))
        file.load()
        _check_size(file.size, max_pixels)  # a HEIC file may have lied about it
        return file.copy()


def _require_fast_codec(file: ImageFile) -> None:
    """Refuse what Pillow decodes byte by byte in Python: seconds for a few KB."""
    if any(tile.codec_name == "bmp_rle" for tile in file.tile):
        raise UserError(
            "This BMP is compressed, and the lab can't read that. Save it as PNG or JPEG and drop "
            "it again."
        )


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise UserError(
            "This photograph is {width} × {height} pixels, but the lab takes at most {limit} "
            "million. Shrink it, then drop it here again.",
            width=width,
            height=height,
            limit=f"{max_pixels / 1e6:g}",
        )
    if min(size) < _MIN_SIDE_PX:
        raise UserError(
            "This photograph is {width} × {height} pixels, but each side must be at least "
            "{limit}. Choose a larger one.",
            width=width,
            height=height,
            limit=_MIN_SIDE_PX,
        )


def read_back(data: bytes) -> PhotoArray:
    """Return the pixels of a picture that the lab itself has encoded, uint8 (H, W, 3)."""
    return to_array(decode(data, max_pixels=2**26))


def content_key(data: bytes) -> str:
    """Return the name of a file by its content: ``sha256:`` and 64 hexadecimal digits."""
    return f"{PHOTO_PREFIX}{hashlib.sha256(data).hexdigest()}"
