import io

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from tl_core.images.colours import shades_of, viridis
from tl_core.images.encode import encode_png
from tl_core.images.heatmap import encode_heatmap, overlay, overlay_encoded

ACROSS, DOWN = np.meshgrid(np.arange(0, 256, 8, np.uint8), np.arange(0, 256, 8, np.uint8))
PHOTO = np.stack([ACROSS, DOWN, ACROSS], axis=2)


def test_viridis_is_matplotlibs_within_a_few_shades():
    reference = colormaps["viridis"](np.linspace(0, 1, 256))[:, :3] * 255
    assert np.abs(viridis() - reference).max() <= 6


def test_shades_fill_the_scale_and_leave_zero_free():
    values = np.array([-np.inf, -2.0, 0.0, 2.0, np.inf])
    assert list(shades_of(values, -2.0, 2.0)) == [1, 1, 128, 255, 255]


def test_a_heat_picture_keeps_values_to_half_a_level():
    values = np.linspace(-1, 1, 500).reshape(20, 25)
    levels = np.asarray(Image.open(io.BytesIO(encode_heatmap(values))), np.float64)
    assert np.abs((levels - 128) / 127 - values).max() <= 0.5 / 127 + 1e-6


def test_without_heat_or_strength_the_photograph_is_untouched_or_grey():
    heat = np.random.default_rng(1).uniform(-1, 1, (32, 32))
    assert np.array_equal(overlay(PHOTO, heat, 0.0), PHOTO)
    nothing = overlay(PHOTO, np.zeros((32, 32)), 1.0)
    assert np.abs(nothing.mean(2) - PHOTO.mean(2)).max() <= 1


@pytest.mark.parametrize(("value", "strongest"), [(1.0, 0), (-1.0, 2)])
def test_for_is_warm_and_against_is_cool(value: float, strongest: int):
    colour = overlay(PHOTO, np.full((32, 32), value), 1.0)
    assert (colour.argmax(axis=2) == strongest).all()


def test_blending_takes_what_snapshots_carry():
    heat = encode_heatmap(np.ones((32, 32)))
    alone, covered = (
        np.asarray(
            Image.open(io.BytesIO(overlay_encoded(encode_png(PHOTO), heat, strength))), np.int16
        )
        for strength in (0.0, 1.0)
    )
    assert np.abs(alone - PHOTO).mean() < 6  # JPEG is lossy
    assert covered.std(axis=(0, 1)).max() < 3  # one colour
