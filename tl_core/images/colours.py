"""Shades to colours, without a plotting library: thread-safe and fast."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_VIRIDIS = (  # coefficients of shade^0 ... shade^6 for red, green, blue
    (0.27773, 0.00541, 0.33410),
    (0.10509, 1.40461, 1.38459),
    (-0.33086, 0.21485, 0.09510),
    (-4.63423, -5.79910, -19.33244),
    (6.22827, 14.17993, 56.69055),
    (4.77638, -13.74515, -65.35303),
    (-5.43546, 4.64585, 26.31244),
)


def viridis(shades: int = 256) -> NDArray[np.uint8]:
    """Return ``shades`` colours from dark violet over green to yellow, uint8 (shades, 3).

    Lightness rises evenly, so it reads the same in grey and for colour-blind people.

    Source:
        van der Walt & Smith 2015, the default map of Matplotlib; polynomial fit by Zucker (CC0).
    """
    at = np.linspace(0.0, 1.0, shades)[:, None]
    colours = sum(at**power * np.array(row) for power, row in enumerate(_VIRIDIS))
    return np.round(np.clip(colours, 0, 1) * 255).astype(np.uint8)


def shades_of(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Map ``low`` .. ``high`` to 1 .. 255 and what lies outside to the ends; 0 means nothing."""
    scaled = (values.astype(np.float32) - low) * (254 / max(high - low, 1e-12))
    return (np.clip(scaled, 0, 254) + 1.5).astype(np.uint8)
