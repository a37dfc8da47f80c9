"""A short soak: visitors come and go, and nothing of them stays."""

import pytest

from tests.soak.soak import Patience, Soak, soak

# Longer than a soak waits for what is left, so that it can say what that is
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_THREADS, _HANDLES = 10, 10  # of pools, which grow to their size and stay


@pytest.fixture(scope="module")
def found() -> Soak:
    return soak(visitors=6, warm_up_s=3, seconds=15, seed=4, patience=Patience(2, 5, 2, 2))


def test_visitors_ran_things_came_back_and_went_without_a_word(found):
    assert found.did["visits"] >= 6
    deeds = ("runs started", "visits resumed", "show a photograph", "lines cut", "models loaded")
    for deed in deeds:
        assert found.did[deed] > 0, found.did


def test_after_all_have_left_the_lab_holds_nothing_for_anybody(found):
    assert found.remains == {}


def test_after_all_have_left_threads_and_handles_are_few_again(found):
    assert found.gone[-1]["threads"] <= found.gone[0]["threads"] + _THREADS
    assert found.gone[-1]["file handles"] <= found.gone[0]["file handles"] + _HANDLES
    assert found.gone[-1]["temporary files"] <= found.gone[0]["temporary files"]


def test_no_visitor_met_an_error_that_is_in_the_log(found):
    assert "Traceback" not in found.log, found.log
