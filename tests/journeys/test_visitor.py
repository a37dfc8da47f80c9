"""A random visitor finds nothing that no visitor may ever see."""

import pytest

from tests.journeys.explore import explore


@pytest.mark.parametrize(("seed", "language"), [(1, "en"), (2, "en"), (3, "ja"), (4, "ja")])
def test_a_random_visitor_meets_no_error_page_no_stray_job_and_no_slow_page(
    walked_lab, seed, language
):
    explore(walked_lab, seed, 50, language=language)
