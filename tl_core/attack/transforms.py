"""Differentiable transforms of shared pictures: JPEG, a smaller copy, a blur.

Gradients pass rounding straight through (Athalye et al. 2018, arXiv:1802.00420).
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from tl_core.attack.constraints import blurred
from tl_core.imageopt.eight_bit import straight_through
from tl_core.machine.device import constant

_BLOCK = 8
# The example tables of the JPEG standard (ITU-T T.81, annex K), which every encoder scales
_LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
_TO_YCC = (
    (0.299, 0.587, 0.114),
    (-0.168735892, -0.331264108, 0.5),
    (0.5, -0.418687589, -0.081312411),
)
_FROM_YCC = ((1.0, 0.0, 1.402), (1.0, -0.344136286, -0.714136286), (1.0, 1.772, 0.0))
# The orthonormal cosine transform of 8 values, a wave a row
_COSINES = tuple(
    tuple(
        math.sqrt((2 if wave else 1) / _BLOCK) * math.cos(math.pi / _BLOCK * (at + 0.5) * wave)
        for at in range(_BLOCK)
    )
    for wave in range(_BLOCK)
)


def jpeg(pixels: Tensor, quality: float) -> Tensor:
    """Return pixels (N, 3, H, W) in [0, 1] as a JPEG file of that quality would show them.

    Chroma at half size, as encoders do by default. Differs from libjpeg by a level here and there.
    """
    height, width = pixels.shape[2:]
    block = 2 * _BLOCK
    padded = F.pad(pixels, (0, -width % block, 0, -height % block), mode="replicate")
    ycc = _rounded(torch.einsum("rc,nchw->nrhw", constant(_TO_YCC, pixels.device), padded * 255))
    luma, chroma = ycc[:, :1] - 128, F.avg_pool2d(ycc[:, 1:], 2)
    shape = tuple(ycc.shape[2:])
    luma = _quantised(luma, _scaled_table(_LUMA, quality, pixels.device)) + 128
    chroma = _quantised(_rounded(chroma), _scaled_table(_CHROMA, quality, pixels.device))
    chroma = F.interpolate(chroma, shape, mode="bilinear")
    back = constant(_FROM_YCC, pixels.device)
    shown = _rounded(torch.einsum("rc,nchw->nrhw", back, torch.cat([luma, chroma], dim=1)))
    return (shown / 255).clamp(0, 1)[..., :height, :width]


def smaller(pixels: Tensor, scale: float) -> Tensor:
    """Return pixels after scaling to ``scale`` of their size and back, each rounded to 8 bits."""
    side = pixels.shape[-1]
    small = _levels(_scaled(pixels, round(side * scale)))
    return _levels(_scaled(small, side))


def softened(pixels: Tensor, sigma: float) -> Tensor:
    """Return pixels after a blur, rounded to 8 bits."""
    return _levels(blurred(pixels, sigma))


def random_transforms(views: Tensor, draws: Sequence[Sequence[float]]) -> Tensor:
    """Transform each view in its own way, drawn at random; a fifth stay as they are.

    Args:
        views: Values in [0, 1], (V, 3, S, S).
        draws: Two uniform numbers for each: which transform, and how strong.
    """
    parts = zip(views[:, None], draws, strict=True)
    return torch.cat([_transformed(view, *row) for view, row in parts])


def _transformed(view: Tensor, which: float, strength: float) -> Tensor:
    if which < 0.55:
        return jpeg(view, 65 + 30 * strength)
    if which < 0.7:
        return smaller(view, 0.8 + 0.15 * strength)
    return softened(view, 0.3 + 0.5 * strength) if which < 0.8 else view


def _rounded(values: Tensor) -> Tensor:
    return straight_through(values, values.detach().round())


def _scaled(pixels: Tensor, side: int) -> Tensor:
    return F.interpolate(pixels, (side, side), mode="bicubic", antialias=True)


def _levels(pixels: Tensor) -> Tensor:
    return _rounded(pixels.clamp(0, 1) * 255) / 255


def _quantised(plane: Tensor, table: Tensor) -> Tensor:
    """Round the cosine waves of every 8 x 8 block of (N, C, H, W) to the table's steps."""
    count, channels, height, width = plane.shape
    cosines = constant(_COSINES, plane.device)
    blocks = plane.view(count, channels, height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)
    waves = torch.einsum("ui,nchiwj,vj->nchwuv", cosines, blocks, cosines)
    kept = _rounded(waves / table) * table
    return torch.einsum("ui,nchwuv,vj->nchiwj", cosines, kept, cosines).reshape(plane.shape)


def _scaled_table(
    table: tuple[tuple[int, ...], ...], quality: float, device: torch.device
) -> Tensor:
    """Quantisation steps at a quality from 1 to 100, as libjpeg scales them."""
    scale = 5000 / quality if quality < 50 else 200 - 2 * quality
    return ((constant(table, device) * scale + 50) / 100).floor().clamp(1, 255)
