"""Heat maps over a photograph: warm where something speaks for a class, cool where against.

Safe to call from any thread, without a network: a page may draw one again when a slider moves.
"""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tl_core.images.encode import encode_jpeg, encode_png
from tl_core.images.photo import PhotoArray

_WARM = ((255, 236, 100), (255, 140, 0), (214, 16, 16))  # faint, middling, full
_COOL = ((150, 235, 255), (40, 130, 255), (60, 20, 190))
_LEVELS = 128  # of colours on each side of 0
_NEUTRAL = 128  # of 0 .. 255 in an encoded heat map; 1 is fully against, 255 fully for


def encode_heatmap(values: NDArray[Any]) -> bytes:
    """Return values in [-1, 1] of shape (H, W) as a grey PNG: 128 is 0, 255 is 1, 1 is -1."""
    levels = np.rint(np.clip(values, -1, 1).astype(np.float32) * 127) + _NEUTRAL
    return encode_png(levels.astype(np.uint8))


def overlay_encoded(photo: bytes, heatmap: bytes, strength: float) -> bytes:
    """Draw an encoded heat map over a photograph of the same size.

    Args:
        photo: Encoded, as in a snapshot.
        heatmap: From ``encode_heatmap``.
        strength: 0 shows the photograph alone, 1 hides it where the heat is greatest.

    Returns:
        A JPEG.
    """
    with Image.open(io.BytesIO(photo)) as picture, Image.open(io.BytesIO(heatmap)) as levels:
        values = (np.asarray(levels, np.float32) - _NEUTRAL) / 127
        return encode_jpeg(overlay(np.asarray(picture.convert("RGB")), values, strength))


def overlay(photo: PhotoArray, values: NDArray[Any], strength: float) -> PhotoArray:
    """Return the photograph (H, W, 3) under the heat map of ``values`` in [-1, 1], (H, W).

    The photograph fades to grey as the heat comes up, so that its own colours are not mistaken
    for heat.
    """
    levels = np.rint(np.clip(values, -1, 1).astype(np.float32) * 127).astype(np.int16) + 127
    cover = strength * _COVER[levels][..., None]
    grey = photo.mean(axis=2, keepdims=True)
    under = photo + 0.8 * strength * (grey - photo)
    return np.rint(under + cover * (_COLOURS[levels] - under)).astype(np.uint8)


def warm_levels() -> list[list[float]]:
    """Red, green and blue for 0 .. 1 in 128 levels, and how much each covers, for who draws it."""
    colours, cover = _COLOURS[_LEVELS - 1 :], _COVER[_LEVELS - 1 :]
    levels: list[list[float]] = np.column_stack([colours, cover]).round(3).tolist()
    return levels


def _ramp(stops: tuple[tuple[int, int, int], ...]) -> NDArray[np.float32]:
    """Colours from the first stop, for 0, to the last, for 1."""
    at = np.linspace(0, len(stops) - 1, _LEVELS)
    channels = [np.interp(at, range(len(stops)), values) for values in zip(*stops, strict=True)]
    return np.stack(channels, axis=1).astype(np.float32)


_COLOURS = np.concatenate([_ramp(_COOL)[:0:-1], _ramp(_WARM)])  # for -1 .. 1 in 255 levels
_COVER = np.abs(np.linspace(-1, 1, 255, dtype=np.float32)) ** 0.8  # lifts faint heat a little
