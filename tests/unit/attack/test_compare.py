import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from tl_core.images.compare import difference, gap
from tl_core.images.decode import decode
from tl_core.images.photo import to_array

GREY = np.full((16, 16, 3), 100, np.uint8)


def test_equal_pictures_have_no_gap():
    found = gap(GREY, GREY.copy())
    assert (found.linf_levels, found.l2, found.changed_share) == (0, 0, 0)
    assert found.psnr_db == math.inf
    assert found.ssim == pytest.approx(1)


def test_the_figures_of_a_gap_are_those_worked_out_by_hand():
    moved = GREY.copy()
    moved[0, 0] = (97, 104, 100)
    found = gap(GREY, moved)
    assert found.linf_levels == 4
    assert found.changed_values == 2
    assert found.changed_share == pytest.approx(2 / 768)
    assert found.l2 == pytest.approx(5 / 255)
    assert found.psnr_db == pytest.approx(peak_signal_noise_ratio(GREY, moved, data_range=255))
    assert found.ssim < 1


def test_a_difference_is_magnified_about_mid_grey():
    moved = GREY.copy()
    moved[0, 0] = (97, 104, 100)
    shown = to_array(decode(difference(GREY, moved, magnify=8), max_pixels=10**6))
    assert shown[0, 0].tolist() == [128 - 24, 128 + 32, 128]
    signs = to_array(decode(difference(GREY, moved, is_sign=True), max_pixels=10**6))
    assert signs[0, 0].tolist() == [1, 255, 128]


def test_pictures_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        gap(GREY, GREY[:8])
