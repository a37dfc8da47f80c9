"""How long a run still waits, as a page says it."""

import itertools

import pytest

from pages.visit.waiting import ShownWait


def shown(estimates, every_s=2.0):
    """What a page says, that looks every so often."""
    now = [0.0]
    wait = ShownWait(lambda: now[0])
    for estimate in estimates:
        yield wait.seconds(estimate)
        now[0] += every_s


def test_seconds_are_whole_and_rounded_to_what_is_known():
    assert list(shown([127.4])) == [130]
    assert list(shown([17.4])) == [15]
    assert list(shown([0.0])) == [10]


def test_it_counts_down_where_estimates_do():
    assert list(shown([60.0, 50.0, 40.0, 30.0, 20.0], every_s=10)) == [60, 50, 40, 30, 20]


@pytest.mark.parametrize("every_s", [0.5, 1.0, 2.0])
def test_estimates_that_jump_are_followed_without_jumping(every_s):
    jumps = itertools.chain.from_iterable([value] * 12 for value in (10.0, 130.0, 180.0, 20.0))
    said = list(shown(jumps, every_s))
    assert all(max(a, b) <= 1.5 * min(a, b) for a, b in itertools.pairwise(said))


def test_what_lasts_is_believed_within_a_minute():
    assert list(shown([20.0] * 10 + [200.0] * 40))[-1] >= 160
    assert list(shown([200.0] * 10 + [20.0] * 40))[-1] <= 25
