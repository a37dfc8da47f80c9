"""A photograph in memory: its types, and the part of it that a network sees."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Photo: TypeAlias = Image.Image
PhotoArray: TypeAlias = NDArray[np.uint8]  # its pixels, (H, W, 3)

_RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


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

    The shorter side is scaled to ``resize`` pixels, antialiased, by "bilinear" or "bicubic"
    ``interpolation``, and the central square is cut. A picture that already has the size is
    returned untouched: a saved attack stays one.

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
