"""From a picture to bytes: JPEG for live pictures and thumbnails, PNG where every value counts."""

import io
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from PIL import Image, PngImagePlugin

from tl_core.images.photo import Photo, PhotoArray

SETTINGS_KEY = "settings"  # where a result's PNG keeps the JSON that replays it

Picture: TypeAlias = Photo | PhotoArray


def encode_jpeg(picture: Picture, quality: int = 85) -> bytes:
    """Return the picture as JPEG: for live frames, where small differences do not matter.

    Raises:
        ValueError: If an array is not uint8 of shape (H, W, 3) or (H, W).
    """
    return _encode(_image(picture), "JPEG", quality=quality)


def encode_png(picture: Picture, text: Mapping[str, str] | None = None) -> bytes:
    """Return the picture as PNG, every value kept, with ``text`` in chunks of its own.

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
