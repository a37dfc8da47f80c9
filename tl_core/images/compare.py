"""How two pictures of one size differ: in figures, and made visible."""

import math

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from tl_core.images.encode import encode_png
from tl_core.images.photo import PhotoArray
from tl_core.specs.attack import Gap

_SSIM_WINDOW_PX = 7


def gap(original: PhotoArray, attacked: PhotoArray) -> Gap:
    """Return how far two pictures are apart, uint8 (H, W, 3) with sides of at least 7.

    Raises:
        ValueError: If the shapes differ.
    """
    change = _change(original, attacked)
    moved = int(np.count_nonzero(change))
    mean_square = float(np.mean(np.square(change / 255)))
    return Gap(
        linf_levels=int(np.abs(change).max()),
        l2=math.sqrt(mean_square * change.size),
        psnr_db=-10 * math.log10(mean_square) if moved else math.inf,
        ssim=ssim(original, attacked),
        changed_values=moved,
        changed_share=moved / change.size,
    )


def ssim(original: PhotoArray, attacked: PhotoArray) -> float:
    """Return the structural similarity, 1 for equal pictures.

    Source:
        Wang et al. 2004, "Image quality assessment", IEEE Transactions on Image Processing 13.
    """
    value = structural_similarity(  # type: ignore[no-untyped-call]
        original, attacked, channel_axis=2, data_range=255, win_size=_SSIM_WINDOW_PX
    )
    return float(value)


def difference(
    original: PhotoArray, attacked: PhotoArray, *, magnify: int = 16, is_sign: bool = False
) -> bytes:
    """Return the change as PNG: mid grey where nothing moved, brighter and darker where it did.

    Pictures are uint8 (H, W, 3). The change is shown ``magnify`` times as large, or with
    ``is_sign`` only each value's direction, at full contrast.

    Raises:
        ValueError: If the shapes differ.
    """
    change = _change(original, attacked)
    shown = 127 * np.sign(change) if is_sign else magnify * change
    return encode_png((128 + shown).clip(0, 255).astype(np.uint8))


def _change(original: PhotoArray, attacked: PhotoArray) -> NDArray[np.int16]:
    if original.shape != attacked.shape:
        raise ValueError(f"pictures must have one shape, got {original.shape}, {attacked.shape}")
    return attacked.astype(np.int16) - original.astype(np.int16)
