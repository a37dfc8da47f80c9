"""The one place where bytes become photographs and photographs become bytes.

Every function is safe to call from any thread and changes nothing that Pillow shares.
"""

import hashlib
import io
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)
from PIL.ImageFile import ImageFile

from tl_core.errors import UserError
from tl_core.images.png import PNG_SIGNATURE, only_pixels, read_png_text
from tl_core.images.upright import upright_rgb

__all__ = [
    "content_key",
    "crop_box",
    "decode",
    "encode_jpeg",
    "encode_png",
    "fit",
    "read_png_text",
    "thumbnail",
    "to_array",
]

Photo: TypeAlias = Image.Image
Picture: TypeAlias = Image.Image | NDArray[np.uint8]

MAX_BYTES = 25 * 2**20
_MIN_SIDE_PX = 8
_MAX_JPEG_SCANS = 200  # cameras write 1, progressive encoders about 10
_RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


class _Jpeg(JpegImagePlugin.JpegImageFile):
    """Leaves EXIF unread: Pillow looks for a resolution there and warns where it is corrupt."""

    def _read_dpi_from_exif(self) -> None:
        pass


# Pillow's own Image.open would warn about large files, and tries formats that nobody photographs in
_READERS: tuple[tuple[bytes, int, type[ImageFile]], ...] = (
    (b"\xff\xd8\xff", 0, _Jpeg),
    (PNG_SIGNATURE, 0, PngImagePlugin.PngImageFile),
    (b"WEBP", 8, WebPImagePlugin.WebPImageFile),
    (b"GIF8", 0, GifImagePlugin.GifImageFile),
    (b"BM", 0, BmpImagePlugin.BmpImageFile),
    *((b"ftyp" + brand, 4, pillow_heif.HeifImageFile) for brand in (b"hei", b"hev", b"mif1")),
)


def decode(
    data: bytes, *, max_pixels: int, max_bytes: int = MAX_BYTES, at_least: int | None = None
) -> Photo:
    """Return the photograph in a file, upright and in RGB, its first frame if it has several.

    The format is told by content, never by name: JPEG, PNG, WebP, GIF, BMP or HEIC. Transparent
    parts become white, 16-bit values are scaled to 8, and nothing of the file's metadata stays.
    Takes up to at most about 22 bytes of memory for each pixel while it runs.

    Args:
        data: The whole file.
        max_pixels: Most width x height, checked before anything is decoded.
        max_bytes: Longest file.
        at_least: For speed: a JPEG may come out smaller by a whole factor, but its shorter side
            no smaller than this. Without it every pixel is kept.

    Raises:
        UserError: If the file is empty, too large, too small, damaged, or no photograph.
    """
    if not data:
        raise UserError("This file is empty. Choose another photograph.")
    if len(data) > max_bytes:
        raise UserError(
            "This file has {size} MB and the lab takes up to {limit} MB. "
            "Save the photograph smaller and drop it again.",
            size=-(-len(data) // 2**20),
            limit=max_bytes // 2**20,
        )
    reader = _reader(data)
    # Decoders meet hostile bytes here and raise whatever they like (SyntaxError, struct.error,
    # zlib.error, EOFError, MemoryError ...): to the visitor all of it means "damaged".
    try:
        with reader(io.BytesIO(_harmless(data))) as file:
            _check_size(file.size, max_pixels)
            if at_least is not None and isinstance(file, _Jpeg):
                file.draft(None, (at_least, at_least))
            file.load()
            _check_size(file.size, max_pixels)  # a HEIC file may have lied about it
            return upright_rgb(file)
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            "This photograph is damaged and cannot be read. Save it again or choose another one."
        ) from error


def _reader(data: bytes) -> type[ImageFile]:
    for magic, at, reader in _READERS:
        if data.startswith(magic, at):
            return reader
    raise UserError(
        "This file is not a photograph that the lab can read. "
        "Save it as JPEG, PNG, WebP, GIF, BMP or HEIC and drop it again."
    )


def _harmless(data: bytes) -> bytes:
    """The file without the parts that only cost time or memory."""
    if data.startswith(PNG_SIGNATURE):
        return only_pixels(data)
    if data.startswith(b"\xff\xd8\xff") and data.count(b"\xff\xda") > _MAX_JPEG_SCANS:
        raise UserError(
            "This JPEG is stored in more than {limit} passes, which no camera does. "
            "Save it again or choose another photograph.",
            limit=_MAX_JPEG_SCANS,
        )
    return data


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


def to_array(photo: Photo) -> NDArray[np.uint8]:
    """Return a writable copy of the photograph's pixels, uint8 (H, W, 3)."""
    return np.array(photo.convert("RGB"), dtype=np.uint8)


def encode_jpeg(picture: Picture, quality: int = 85) -> bytes:
    """Return the picture as JPEG: for live frames, where small differences do not matter.

    Raises:
        ValueError: If an array is not uint8 of shape (H, W, 3) or (H, W).
    """
    return _encode(_image(picture), "JPEG", quality=quality)


def encode_png(picture: Picture, text: Mapping[str, str] | None = None) -> bytes:
    """Return the picture as PNG, every value kept, with ``text`` readable by ``read_png_text``.

    Raises:
        ValueError: If an array is not uint8 of shape (H, W, 3) or (H, W).
    """
    info = PngImagePlugin.PngInfo()
    for keyword, value in (text or {}).items():
        info.add_text(keyword, value)
    return _encode(_image(picture), "PNG", pnginfo=info)


def thumbnail(photo: Photo, side: int) -> bytes:
    """Return the whole photograph scaled to fit a square of ``side`` pixels, as JPEG."""
    small = photo.copy()
    small.thumbnail((side, side))
    return encode_jpeg(small)


def content_key(data: bytes) -> str:
    """Return the name of a file by its content: ``sha256:`` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _image(picture: Picture) -> Image.Image:
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
