import numpy as np
import pytest
from PIL import Image

from tl_core.images.photo import to_array
from tl_core.images.transforms import TRANSFORMS

PHOTO = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8))


def test_keys_are_unique():
    assert len({transform.key for transform in TRANSFORMS}) == len(TRANSFORMS)


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda transform: transform.key)
def test_a_transform_keeps_the_size_changes_the_picture_and_leaves_the_original_alone(transform):
    before = to_array(PHOTO)
    changed = transform.apply(PHOTO)
    assert changed.size == PHOTO.size
    assert not np.array_equal(to_array(changed), before)
    assert np.array_equal(to_array(PHOTO), before)


def test_a_shift_moves_every_pixel_by_one():
    shift = next(transform for transform in TRANSFORMS if transform.key == "shift-1")
    before, after = to_array(PHOTO), to_array(shift.apply(PHOTO))
    assert np.array_equal(after[1:, 1:], before[:-1, :-1])
    assert np.array_equal(after[0, 1:], before[0, :-1])
