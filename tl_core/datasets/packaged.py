"""Small real data sets that installed packages carry, as PNG files made in memory."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tl_core.errors import UserError
from tl_core.images.encode import encode_png

_DIGIT_SIDE, _MARGIN = 64, 4  # pixels

# Class names, and (label, file) for each picture
PackagedPhotos = tuple[tuple[str, ...], list[tuple[int, bytes]]]


def digits() -> PackagedPhotos:
    """The 1,797 digits of scikit-learn, 8 × 8 dots of 17 greys.

    They are scaled up smoothly, since networks would respond to the edges of large dots, and get a
    black margin, so that the networks' central crop cuts no stroke.
    """
    from sklearn.datasets import load_digits  # slow to import, and only needed here

    found = load_digits()
    pictures = (found.images * (255 / 16)).round().astype(np.uint8)
    side = (_DIGIT_SIDE, _DIGIT_SIDE)
    large = np.stack([Image.fromarray(p).resize(side, Image.Resampling.BICUBIC) for p in pictures])
    framed = np.pad(large, ((0, 0), (_MARGIN, _MARGIN), (_MARGIN, _MARGIN)))
    return _packed(tuple(str(digit) for digit in range(10)), framed, found.target)


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
            "Faces and not faces needs scikit-image, which is not here in full. "
            "Install requirements.txt again."
        ) from error
    grey = (pictures * 255).round().clip(0, 255).astype(np.uint8)
    labels = np.arange(len(grey)) // 100  # the first hundred are the faces
    return _packed(("face", "not a face"), grey, labels)


def _packed(classes: tuple[str, ...], pictures: Any, labels: Any) -> PackagedPhotos:
    pairs = zip(labels.tolist(), pictures, strict=True)
    return classes, [(label, encode_png(picture)) for label, picture in pairs]
