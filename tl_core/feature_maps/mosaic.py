"""Draws channels: many as one mosaic, or one over the photograph. Pure NumPy and Pillow."""

import dataclasses
import io
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tl_core.feature_maps.activations import Activations
from tl_core.images.colours import shades_of, viridis
from tl_core.images.heatmap import overlay
from tl_core.images.photo import Photo, PhotoArray
from tl_core.specs.feature_maps import Mosaic, Scale, Spot

SIDE_PX = 704  # width of a full mosaic
GAP_PX = 4
_PERCENTILES = (0.1, 99.9)  # single extreme units would leave everything else dark
_SAMPLE = 100_000  # values are enough for a percentile
_HEATMAP_STRENGTH = 0.75
_GREEN = "#00e5a0"
_PALETTE = np.vstack([np.zeros((1, 3), np.uint8), viridis(255)])  # shade 0: the transparent gap


def most_active(activations: Activations, count: int) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return the ``count`` most active channels of (C, H, W), strongest first, and how active.

    A channel's activity is its standard deviation over the photograph: one that is high
    everywhere, as linear layers have them, tells nothing about what is where.
    """
    spread = activations.reshape(len(activations), -1).astype(np.float32).std(axis=1)
    order = np.argsort(-spread, kind="stable")[:count]
    return tuple(map(int, order)), tuple(map(float, spread[order]))


def natural_scale(activations: Activations) -> Scale:
    """Return the least and greatest activation to draw, leaving out one in a thousand a side."""
    values = activations.ravel()
    sample = values[:: -(-values.size // _SAMPLE)].astype(np.float32)
    low, high = np.percentile(sample, _PERCENTILES)
    return float(low), float(max(high, low + 1e-6))


def draw_mosaic(activations: Activations, channels: Sequence[int], scale: Scale) -> Mosaic:
    """Draw ``channels`` of (C, H, W) as one picture, all on one scale."""
    columns = math.ceil(math.sqrt(len(channels)))
    tile = (SIDE_PX + GAP_PX) // columns - GAP_PX
    shades = shades_of(activations[list(channels)], *scale)
    grid = Mosaic(picture=b"", channels=tuple(channels), columns=columns, tile=tile, gap=GAP_PX)
    sheet = Image.new("L", grid.size)
    for index, shade in enumerate(shades):
        sheet.paste(_resized(shade, tile), grid.box(index)[:2])
    return dataclasses.replace(grid, picture=palette_png(sheet))


def draw_channel(channel: NDArray[np.float16], side: int, scale: Scale) -> bytes:
    """Draw one channel (H, W) at ``side`` pixels, every unit a square."""
    return palette_png(_resized(shades_of(channel, *scale), side))


def overlay_channel(photo: PhotoArray, channel: NDArray[np.float16], scale: Scale) -> Photo:
    """Return the photograph (S, S, 3) under a heat map of where the channel (H, W) is active.

    Negative values, which layers without a ReLU have, count as 0.
    """
    side = photo.shape[0]
    values = np.clip(channel.astype(np.float32) / max(scale[1], 1e-6), 0, 1)
    smooth = Image.fromarray(values).resize((side, side), Image.Resampling.BILINEAR)
    return Image.fromarray(overlay(photo, np.asarray(smooth), _HEATMAP_STRENGTH))


def draw_spot(picture: Photo, spot: Spot) -> Photo:
    """Ring the spot and frame what it sees, in green; changes and returns ``picture``."""
    pen = ImageDraw.Draw(picture)
    left, top, right, bottom = spot.box
    pen.rectangle((left, top, right - 1, bottom - 1), outline=_GREEN, width=2)
    x, y = spot.point
    pen.ellipse((x - 5, y - 5, x + 5, y + 5), outline=_GREEN, width=2)
    return picture


def palette_png(sheet: Image.Image) -> bytes:
    """Encode shades (mode L) as a PNG with a colour table: lossless, small, shade 0 transparent."""
    sheet.putpalette(_PALETTE.tobytes())
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", transparency=0, compress_level=3)
    return buffer.getvalue()


def _resized(shade: NDArray[np.uint8], side: int) -> Image.Image:
    """Units stay squares when enlarged, and are averaged when there are more than pixels."""
    method = Image.Resampling.BOX if shade.shape[0] > side else Image.Resampling.NEAREST
    return Image.fromarray(shade).resize((side, side), method)
