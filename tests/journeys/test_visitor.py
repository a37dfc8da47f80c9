"""A random visitor finds nothing that no visitor may ever see."""

import pytest

from tests.journeys.explore import explore


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_random_visitor_meets_no_error_page_no_stray_job_and_no_slow_page(walked_lab, seed):
    explore(walked_lab, seed, 50)
