import pytest
import torch

from tl_core.imageopt.pixels import PARAMETERISATIONS, frequency_scale


@pytest.mark.parametrize("side", [32, 33])
@pytest.mark.parametrize("key", PARAMETERISATIONS)
def test_noise_becomes_pixels_between_0_and_1(key, side):
    drawing = PARAMETERISATIONS[key]
    noise = drawing.noise(side, 0)
    pixels = drawing.pixels(noise.unsqueeze(0))
    assert pixels.shape == (1, 3, side, side)
    assert pixels.min() >= 0
    assert pixels.max() <= 1


@pytest.mark.parametrize("side", [32, 33])
@pytest.mark.parametrize("key", PARAMETERISATIONS)
def test_a_picture_survives_the_round_trip(key, side):
    drawing = PARAMETERISATIONS[key]
    picture = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(
        drawing.pixels(drawing.encode(picture)), picture.clamp(1e-3, 1 - 1e-3), atol=2e-3, rtol=0
    )


def test_low_frequencies_weigh_more_than_high_ones():
    scale = frequency_scale(64, 1.0, torch.device("cpu"))
    assert scale[0, 1] == pytest.approx(64)
    assert scale[0, 32] == pytest.approx(2)
