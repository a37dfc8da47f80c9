import pytest
import torch

from tl_core.backbones.folding import FoldedNorm
from tl_core.imageopt.losses import moments
from tl_core.imageopt.statistics import UsualStatistics


def test_the_gap_to_its_own_statistics_is_nothing():
    maps = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    norm = norm_of(maps)
    folded = FoldedNorm(norm, norm.running_mean, norm.running_var)
    assert UsualStatistics.of([folded]).gap(*moments(norm(maps))).item() == pytest.approx(
        0, abs=1e-5
    )


def test_the_gap_is_of_what_went_into_the_layer():
    generator = torch.Generator().manual_seed(0)
    norm = norm_of(torch.randn(4, 3, 8, 8, generator=generator))
    maps = 2 * torch.randn(2, 3, 8, 8, generator=generator) + 1
    variance, mean = torch.var_mean(maps, dim=(2, 3), correction=0)
    by_hand = (mean - norm.running_mean).norm(dim=1) + (variance - norm.running_var).norm(dim=1)
    folded = FoldedNorm(norm, norm.running_mean, norm.running_var)
    torch.testing.assert_close(
        UsualStatistics.of([folded]).gap(*moments(norm(maps))), by_hand, rtol=1e-4, atol=1e-4
    )


def test_a_channel_that_is_switched_off_has_no_gap():
    norm = norm_of(torch.randn(4, 1, 8, 8))
    norm.weight.data[:] = 1e-9
    folded = FoldedNorm(norm, norm.running_mean, norm.running_var)
    found = moments(norm(torch.randn(1, 1, 8, 8)))
    assert UsualStatistics.of([folded]).gap(*found).item() == pytest.approx(0, abs=1e-5)


def norm_of(maps):
    """A batch-norm layer that has learned these maps, and some weights."""
    norm = torch.nn.BatchNorm2d(maps.shape[1], eps=1e-3).requires_grad_(False).eval()
    variance, mean = torch.var_mean(maps, dim=(0, 2, 3), correction=0)
    norm.running_mean, norm.running_var = mean, variance
    norm.weight.data = torch.linspace(-1.5, 0.5, maps.shape[1])
    norm.bias.data = torch.linspace(-1, 1, maps.shape[1])
    return norm
