import torch
import torch.nn.functional as F

from tl_core.imageopt import augment
from tl_core.specs.recipe import RandomAffine

RANGES = RandomAffine(shift=0.1, turn_deg=15, zoom=0.25, mirrors=True)
PICTURE = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def view(draws, limits):
    return augment.affine_maps(torch.tensor([draws]), torch.tensor([limits]))


def test_no_strength_shows_the_picture_as_it_is():
    maps = view([0.9, 0.1, 0.8, 0.7, 0.0], augment.limits(RANGES, 0.0))
    torch.testing.assert_close(augment.resample(PICTURE, maps, 16), PICTURE)


def test_a_mirrored_view_is_the_mirrored_picture():
    maps = view([0.5, 0.5, 0.5, 0.5, 0.1], (0.0, 0.0, 0.0, 0.5))
    torch.testing.assert_close(augment.resample(PICTURE, maps, 16), PICTURE.flip(3))


def test_a_shift_of_a_quarter_moves_four_of_sixteen_pixels():
    maps = view([1.0, 0.5, 0.5, 0.5, 0.9], (0.25, 0.0, 0.0, 0.0))
    seen = augment.resample(PICTURE, maps, 16)
    torch.testing.assert_close(seen[..., :12], PICTURE[..., 4:])


def test_a_quarter_turn_is_a_quarter_turn():
    maps = view([0.5, 0.5, 1.0, 0.5, 0.9], (0.0, torch.pi / 2, 0.0, 0.0))
    seen = augment.resample(PICTURE, maps, 16)
    turned = [torch.rot90(PICTURE, times, (2, 3)) for times in (1, 3)]
    assert min((seen - picture).abs().max() for picture in turned) < 1e-4


def test_a_picture_of_the_right_size_is_not_resized():
    assert augment.resize(PICTURE, 16) is PICTURE
    assert augment.resize(PICTURE, 8).shape == (1, 3, 8, 8)


def test_a_view_is_sampled_where_torchs_affine_grid_says():
    maps = view([0.9, 0.2, 0.8, 0.3, 0.1], augment.limits(RANGES, 1.0))
    grid = F.affine_grid(maps, [1, 3, 12, 12], align_corners=False)
    by_torch = F.grid_sample(PICTURE, grid, padding_mode="reflection", align_corners=False)
    torch.testing.assert_close(augment.resample(PICTURE, maps, 12), by_torch)
