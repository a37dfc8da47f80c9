"""What the random visitor once found, each by the shortest trail that led to it."""

import pytest

from tests.journeys.shrink import follow
from tests.journeys.visitor import Action

FOUND = {
    "a new seed is set where the page has a default of its own": [
        (0, "@page", "pages/ideal/page.py"),
        (0, "new_seed"),
    ],
    "a photograph arrives when its page was left": [
        (0, "@page", "pages/home/page.py"),
        (0, "way_teach"),
        (0, "photo", "last-byte-is-missing.jpg"),
    ],
    "a backbone's download and a question of the page have the same button": [
        (0, "@page", "pages/attack/page.py"),
        (0, "start_smallest"),
        (0, "backbone", 8),
        (0, "download_backbone"),
        (0, "@page", "pages/feature_maps/page.py"),
    ],
}


@pytest.mark.parametrize("name", FOUND)
def test_what_was_once_found_is_not_found_again(walked_lab, name):
    follow(walked_lab, [Action(*action) for action in FOUND[name]])
