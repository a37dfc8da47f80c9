"""Small real data sets that installed packages carry, as PNG files made in memory."""

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tl_core.errors import UserError
from tl_core.images.encode import encode_png

_DIGIT_SIDE, _MARGIN = 64, 4  # pixels

Labelled = Sequence[tuple[int, bytes]]  # a class's number and a file, for each picture


@dataclass(frozen=True, slots=True)
class PackagedPhotos:
    """A data set in memory; without a validation part it is divided as any other.

    ``tests`` are measured beside validation and never learned from, by what is different in them.
    """

    classes: tuple[str, ...]
    photos: Labelled
    validation: Labelled = ()
    tests: Mapping[str, Labelled] = field(default_factory=dict)


def digits() -> PackagedPhotos:
    """The 1,797 digits of scikit-learn."""
    pictures, labels = digit_pictures()
    return _packed(tuple(str(digit) for digit in range(10)), pictures, labels)


def digit_pictures() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Scikit-learn's digits, white on black (1797, 72, 72), and what they are.

    They have 8 × 8 dots of 17 greys. They are scaled up smoothly, since networks would respond to
    the edges of large dots, and get a black margin, so that the networks' central crop cuts no
    stroke.
    """
    from sklearn.datasets import load_digits  # slow to import, and only needed here

    found = load_digits()
    pictures = (found.images * (255 / 16)).round().astype(np.uint8)
    side = (_DIGIT_SIDE, _DIGIT_SIDE)
    large = np.stack([Image.fromarray(p).resize(side, Image.Resampling.BICUBIC) for p in pictures])
    return np.pad(large, ((0, 0), (_MARGIN, _MARGIN), (_MARGIN, _MARGIN))), found.target


def faces() -> PackagedPhotos:
    """The 100 faces and 100 other patches of scikit-image, 25 × 25 pixels in grey.

    Raises:
        UserError: If scikit-image is not installed in full.
    """
    spec = importlib.util.find_spec("skimage")
    try:
        if spec is None or spec.origin is None:
            raise FileNotFoundError("skimage")
        pictures = np.load(Path(spec.origin).parent / "data" / "lfw_subset.npy")
    except OSError as error:
        raise UserError(
            "Faces and not faces needs scikit-image, which isn't fully installed here. Install "
            "requirements.txt again."
        ) from error
    grey = (pictures * 255).round().clip(0, 255).astype(np.uint8)
    labels = np.arange(len(grey)) // 100  # the first hundred are the faces
    return _packed(("face", "not a face"), grey, labels)


def _packed(classes: tuple[str, ...], pictures: Any, labels: Any) -> PackagedPhotos:
    pairs = zip(labels.tolist(), pictures, strict=True)
    return PackagedPhotos(classes, [(label, encode_png(picture)) for label, picture in pairs])
