import numpy as np
import pytest

from tests.soak.trend import trend

_TIMES = np.arange(0, 1800, 3.0)
_NOISE = np.random.default_rng(0).normal(0, 5, len(_TIMES))


def test_noise_around_a_level_does_not_grow():
    found = trend(_TIMES, 900 + _NOISE, 60)
    assert found.low < 0 < found.high
    assert not found.grows


def test_a_slow_growth_is_found_beneath_the_noise():
    found = trend(_TIMES, 900 + _NOISE + 20 * _TIMES / 3600, 60)
    assert found.grows
    assert found.low < 20 < found.high


def test_one_loud_moment_is_no_growth():
    loud = np.where(_TIMES > 1700, 300, 0)
    assert not trend(_TIMES, 900 + _NOISE + loud, 60).grows


def test_a_level_that_never_changes_does_not_grow():
    assert not trend(_TIMES, np.full(len(_TIMES), 7), 60).grows


def test_a_trend_of_too_few_blocks_is_refused():
    with pytest.raises(ValueError, match="needs 5 blocks"):
        trend(_TIMES[:80], _NOISE[:80], 60)
