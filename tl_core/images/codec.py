"""The one place where bytes become photographs and photographs become bytes.

Every function is safe to call from any thread and changes nothing that Pillow shares.
"""

import hashlib
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin
from PIL.ImageFile import ImageFile

from tl_core.errors import UserError
from tl_core.images.formats import Format, Parts, format_of
from tl_core.images.memory_share import MemoryShare
from tl_core.images.upright import upright_rgb

Photo: TypeAlias = Image.Image
PhotoArray: TypeAlias = NDArray[np.uint8]  # its pixels, (H, W, 3)
Picture: TypeAlias = Photo | PhotoArray

MAX_BYTES = 25 * 2**20
_MIN_SIDE_PX = 8
# For all decoding of the process together, sized for a machine of 2.7 GB: 25 million pixels of any
# format fit. Small photographs, a camera's shots above all, do not wait behind large ones.
_LARGE_SHARE = MemoryShare(450_000_000)
_SMALL_SHARE = MemoryShare(100_000_000)
_SMALL_BYTES = 30_000_000
_RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


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
        max_pixels: Most width x height, checked before anything is decoded.
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
            "This file has {size} MB and the lab takes up to {limit} MB. "
            "Save the photograph smaller and drop it again.",
            size=-(-len(data) // 2**20),
            limit=max_bytes // 2**20,
        )


@contextmanager
def _refuse_damaged() -> Iterator[None]:
    """Decoders raise whatever they like over hostile bytes: SyntaxError, struct.error, MemoryError.

    To the visitor all of it means "damaged".
    """
    try:
        yield
    except UserError:
        raise
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
            "This BMP is stored compressed, which the lab does not read. "
            "Save it as PNG or JPEG and drop it again."
        )


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise UserError(
            "This photograph has {width} × {height} pixels and the lab takes up to {limit} "
            "million. Save it smaller and drop it again.",
            width=width,
            height=height,
            limit=f"{max_pixels / 1e6:g}",
        )
    if min(size) < _MIN_SIDE_PX:
        raise UserError(
            "This photograph has {width} × {height} pixels and each side must have at least "
            "{limit}. Choose a larger one.",
            width=width,
            height=height,
            limit=_MIN_SIDE_PX,
        )


def crop_box(
    size: tuple[int, int], input_size: int, resize: int
) -> tuple[float, float, float, float]:
    """Return the part of a photograph that a network sees: left, top, right, bottom in its pixels.

    The same as scaling the shorter side to ``resize`` and cutting the central square of
    ``input_size``. A picture of exactly the input size is seen whole.

    Raises:
        ValueError: If ``resize`` is smaller than ``input_size``.
    """
    if resize < input_size:
        raise ValueError(f"resize must be at least input_size {input_size}, got {resize}")
    width, height = size
    if size == (input_size, input_size):
        return 0.0, 0.0, float(width), float(height)
    shorter = min(size)
    scaled = [int(resize * side / shorter) for side in size]
    left, top = (round((side - input_size) / 2) for side in scaled)
    across, down = width / scaled[0], height / scaled[1]
    right, bottom = left + input_size, top + input_size
    return left * across, top * down, right * across, bottom * down


def fit(photo: Photo, input_size: int, resize: int, interpolation: str) -> Photo:
    """Return the photograph as a network sees it, ``input_size`` pixels square.

    A picture that already has that size is returned untouched: a saved attack stays one.

    Args:
        photo: Any size.
        input_size: Side of the result.
        resize: What the shorter side is scaled to before the central square is cut.
        interpolation: "bilinear" or "bicubic", antialiased.

    Raises:
        ValueError: If ``resize`` is smaller than ``input_size`` or the interpolation unknown.
    """
    if interpolation not in _RESAMPLING:
        raise ValueError(f"interpolation must be one of {list(_RESAMPLING)}, got {interpolation}")
    if photo.size == (input_size, input_size):
        return photo
    box = crop_box(photo.size, input_size, resize)
    # Scaling only the box keeps memory small for a panorama
    return photo.resize((input_size, input_size), _RESAMPLING[interpolation], box=box)


def to_array(photo: Photo) -> PhotoArray:
    """Return a writable copy of the photograph's pixels, uint8 (H, W, 3)."""
    return np.array(photo if photo.mode == "RGB" else photo.convert("RGB"), dtype=np.uint8)


def read_back(data: bytes) -> PhotoArray:
    """Return the pixels of a picture that the lab itself has encoded, uint8 (H, W, 3)."""
    return to_array(decode(data, max_pixels=2**26))


def encode_jpeg(picture: Picture, quality: int = 85) -> bytes:
    """Return the picture as JPEG: for live frames, where small differences do not matter.

    Raises:
        ValueError: If an array is not uint8 of shape (H, W, 3) or (H, W).
    """
    return _encode(_image(picture), "JPEG", quality=quality)


def encode_png(picture: Picture, text: Mapping[str, str] | None = None) -> bytes:
    """Return the picture as PNG, every value kept, with ``text`` readable by ``png.read_png_text``.

    Raises:
        ValueError: If an array is not uint8 of shape (H, W, 3) or (H, W).
    """
    info = PngImagePlugin.PngInfo()
    for keyword, value in (text or {}).items():
        info.add_text(keyword, value)
    return _encode(_image(picture), "PNG", pnginfo=info)


def thumbnail(photo: Photo, side: int) -> bytes:
    """Return the whole photograph scaled to fit a square of ``side`` pixels, as JPEG."""
    scale = min(1, side / max(photo.size))
    size = (max(1, round(scale * photo.width)), max(1, round(scale * photo.height)))
    return encode_jpeg(photo.resize(size, reducing_gap=2))


def content_key(data: bytes) -> str:
    """Return the name of a file by its content: ``sha256:`` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _image(picture: Picture) -> Photo:
    if isinstance(picture, Image.Image):
        return picture if picture.mode in ("RGB", "L") else picture.convert("RGB")
    has_picture_shape = picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 3)
    if picture.dtype != np.uint8 or not has_picture_shape:
        raise ValueError(
            f"picture must be uint8 (H, W, 3) or (H, W), got {picture.dtype} {picture.shape}"
        )
    return Image.fromarray(picture)


def _encode(image: Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()
