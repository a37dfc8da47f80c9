import math

import pytest

from pages.training.paired import ENOUGH, compare, shown
from tl_core.specs.training import FineTuneResult, Prediction


def predictions(rights: list[bool], first: int = 0) -> tuple[Prediction, ...]:
    return tuple(
        Prediction(f"sha256:{first + n}", str(n), 0, 0 if is_right else 1, 0.9, is_in_top3=True)
        for n, is_right in enumerate(rights)
    )


def result(rights: list[bool], first: int = 0) -> FineTuneResult:
    found = predictions(rights, first)
    return FineTuneResult(0.0, (0, 1), 0.0, (), (), found, "own:x")


def test_about_a_third_of_a_test_is_never_shown() -> None:
    every = predictions([True] * 600)
    assert 350 < len(shown(every)) < 450
    assert shown(every) == shown(predictions([True] * 600))


def test_a_test_too_small_to_claim_anything_is_shown_whole() -> None:
    assert len(shown(predictions([False] * 60))) == 60
    assert compare(result([True] * 60), result([False] * 60)) is None


def test_two_models_are_compared_on_what_neither_showed() -> None:
    count = 600
    reserved = count - len(shown(predictions([True] * count)))
    better = compare(result([False] * count), result([True] * count))
    assert better is not None
    assert (better.photographs, better.before, better.after) == (reserved, 0, 1)
    assert better.is_clear
    low, high = better.interval
    assert 0.9 < low < high <= 1


def test_the_same_answers_leave_the_difference_open() -> None:
    rights = [n % 5 != 0 for n in range(300)]
    same = compare(result(rights), result(rights))
    assert same is not None
    assert same.before == same.after
    low, high = same.interval
    assert low == pytest.approx(-high)
    n = same.photographs + 2
    assert high == pytest.approx(1.96 * math.sqrt(2 / n / n))
    assert not same.is_clear


def test_photographs_that_one_of_them_learned_from_do_not_count() -> None:
    assert compare(result([True] * 200), result([True] * 200, first=1000)) is None
    assert ENOUGH == 30
