"""Whether a map shows what matters: blur what it calls important and see the probability fall."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from tl_core.images.photo import PhotoArray
from tl_core.specs.attribution import Faithfulness

SHARE = 0.2  # of the pixels
DRAWS = 5


def blurred_variants(
    photo: PhotoArray, values: NDArray[np.float32], seed: int
) -> NDArray[np.uint8]:
    """Return the pictures whose probabilities ``faithfulness_of`` compares; for the pool.

    Args:
        photo: The photograph, (S, S, 3).
        values: How much each pixel speaks for the class, (S, S).
        seed: For the draws, and for the order of pixels with equal values.

    Returns:
        The photograph, the photograph with the most important fifth of its pixels blurred, and
        five with a random fifth blurred, (7, S, S, 3). The random ones are the important ones
        moved to another place (around the edges), so that only the place differs, not the
        pattern: scattered pixels can be filled in from their neighbours, a patch cannot.
    """
    side = photo.shape[0]
    radius = side / 16  # nothing but the broadest colours stays
    blurred = np.asarray(Image.fromarray(photo).filter(ImageFilter.GaussianBlur(radius)))
    masks = _masks(values, np.random.default_rng(seed))
    return np.stack([photo, *(np.where(mask[..., None], blurred, photo) for mask in masks)])


def faithfulness_of(probabilities: list[float]) -> Faithfulness:
    """Sum up the class's probabilities on the pictures of ``blurred_variants``, in their order."""
    before, important, *random = probabilities
    return Faithfulness(before=before, important=important, random=sum(random) / len(random))


def _masks(
    values: NDArray[np.float32], generator: np.random.Generator
) -> Iterator[NDArray[np.bool_]]:
    ties = generator.random(values.size)  # half of a Grad-CAM can be exactly zero
    ranked = np.lexsort((ties, -values.ravel()))
    important = np.zeros(values.size, bool)
    important[ranked[: round(SHARE * values.size)]] = True
    mask = important.reshape(values.shape)
    yield mask
    for _ in range(DRAWS):
        shift = generator.integers(0, values.shape)
        yield np.roll(mask, (int(shift[0]), int(shift[1])), axis=(0, 1))
