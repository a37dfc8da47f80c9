import numpy as np
import pytest

from tests.soak.trend import trend

_VISITS = np.arange(50, 350, 50)
_NOISE = np.array([3.0, -4.0, 1.0, -2.0, 4.0, -1.0])


def test_noise_around_a_level_does_not_grow():
    found = trend(_VISITS, 900 + _NOISE)
    assert found.low < 0 < found.high
    assert not found.grows


def test_a_slow_growth_is_found_beneath_the_noise():
    found = trend(_VISITS, 900 + _NOISE + 0.2 * _VISITS)
    assert found.grows
    assert found.low < 0.2 < found.high


def test_one_loud_moment_is_no_growth():
    loud = np.where(_VISITS == 250, 300, 0)
    assert not trend(_VISITS, 900 + _NOISE + loud).grows


def test_a_level_that_never_changes_does_not_grow():
    assert not trend(_VISITS, np.full(len(_VISITS), 7)).grows


def test_a_trend_of_too_few_looks_is_refused():
    with pytest.raises(ValueError, match="needs 5 looks"):
        trend(_VISITS[:4], _NOISE[:4])
