import numpy as np
import pytest
import torch

from tl_core.imageopt.randomness import (
    DRAWS,
    TILE,
    noise_by_index,
    noise_tile,
    start_noise,
    uniform,
    view_noise,
)


def test_the_numbers_of_a_step_depend_on_seed_and_step_alone():
    first = uniform(7, 3, views=2)
    uniform(7, 4, views=2)
    assert np.array_equal(uniform(7, 3, views=2), first)
    assert np.array_equal(uniform(7, 3, views=5)[:2], first)
    for other in (uniform(7, 4, views=2), uniform(8, 3, views=2)):
        assert not np.isin(other, first).any()


def test_the_numbers_are_those_of_every_machine():
    assert uniform(0, 0, views=1)[0, :3].tolist() == pytest.approx(
        [0.6249396800994873, 0.8144335746765137, 0.993850827217102]
    )
    assert start_noise(0, (3,)).tolist() == pytest.approx(
        [0.059911035001277924, 0.015559634193778038, -1.1644384860992432]
    )


def test_uniform_numbers_fill_the_range_and_normal_ones_are_normal():
    numbers = np.concatenate([uniform(1, step, views=1) for step in range(500)])
    assert 0 <= numbers.min() < 0.01
    assert 0.99 < numbers.max() < 1
    assert np.abs(numbers.mean(axis=0) - 0.5).max() < 0.05
    tile = noise_tile(1)
    assert abs(float(tile.mean())) < 0.01
    assert float(tile.std()) == pytest.approx(1, abs=0.01)


def view(step, seeds=(5,), level=2.0, side=64):
    tiles = torch.stack([noise_tile(seed) for seed in seeds])
    rows = torch.tensor([[index, level] for index in range(len(seeds))])
    draws = torch.from_numpy(np.concatenate([uniform(seed, step, views=1) for seed in seeds]))
    assert draws.shape == (len(seeds), DRAWS)
    return view_noise(tiles, rows, draws, side)


def test_a_view_gets_noise_of_its_level_that_is_another_at_each_step():
    one, next_one = view(0), view(1)
    assert one.shape == (1, 3, 64, 64)
    assert float(one.std()) == pytest.approx(2, abs=0.1)
    correlation = torch.corrcoef(torch.stack([one.flatten(), next_one.flatten()]))[0, 1]
    assert abs(float(correlation)) < 0.05


def test_a_neighbour_changes_nothing():
    assert torch.equal(view(3, seeds=(5, 9))[0], view(3, seeds=(5,))[0])
    assert torch.equal(view(3, seeds=(9, 5))[1], view(3, seeds=(5,))[0])


def test_noise_is_a_part_of_the_tile_shifted_and_mirrored():
    tile = noise_tile(5)
    draws = torch.zeros(1, DRAWS)
    draws[0, 3:5] = 0.9  # not mirrored
    draws[0, 0] = 10.5 / TILE
    noise = view_noise(tile[None], torch.tensor([[0.0, 1.0]]), draws, 32)
    assert torch.equal(noise[0], tile[:, 10:42, :32])
    draws[0, 4] = 0.1
    mirrored = view_noise(tile[None], torch.tensor([[0.0, 1.0]]), draws, 32)
    assert torch.equal(mirrored[0, :, :, 1:], tile[:, 10:42, -31:].flip(2))


def test_a_view_that_is_larger_than_the_tile_repeats_it():
    noise = view(0, side=TILE + 8)
    assert torch.equal(noise[..., :8], noise[..., TILE:])


@pytest.mark.parametrize("side", [32, TILE, 2 * TILE + 8])
def test_both_ways_to_the_noise_give_the_same(side):
    tiles = torch.stack([noise_tile(seed) for seed in (5, 9)])
    rows = torch.tensor([[0, 0.5], [1, 0.2], [1, 0.0], [0, 1.0]])
    draws = torch.from_numpy(uniform(3, 1, views=4))
    parts, picked = (way(tiles, rows, draws, side) for way in (view_noise, noise_by_index))
    assert torch.equal(parts, picked)
