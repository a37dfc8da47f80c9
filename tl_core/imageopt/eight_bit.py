"""Between pixels in [0, 1] and the whole levels 0 to 255 of a picture file."""

import torch
from torch import Tensor

from tl_core.images.photo import PhotoArray


def to_uint8(pixels: Tensor) -> Tensor:
    """Round pixels in [0, 1] to the levels 0 to 255 of a file, uint8 of the same shape."""
    return (pixels.detach() * 255).round().clamp(0, 255).to(torch.uint8)


def array_from(pixels: Tensor) -> PhotoArray:
    """Return pixels (1, 3, S, S) in [0, 1], or uint8 levels, as uint8 (S, S, 3).

    Waits for the device. ``context.pixels_from`` is the way back.
    """
    levels = pixels if pixels.dtype == torch.uint8 else to_uint8(pixels)
    array: PhotoArray = levels[0].permute(1, 2, 0).contiguous().cpu().numpy()
    return array


def rounded(pixels: Tensor) -> Tensor:
    """Round pixels to whole levels of 1/255; the result has no gradient."""
    return torch.round(pixels.detach() * 255) / 255


def straight_through(values: Tensor, rounded: Tensor) -> Tensor:
    """Return ``rounded`` with the gradient of ``values``, since rounding itself has none.

    Source:
        Bengio et al. 2013, arXiv:1308.3432.
    """
    return rounded + (values - values.detach())  # adds 0: exactly the rounded values
