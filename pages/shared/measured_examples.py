"""What was measured when the lab made the pictures that it brings along (assets/home/)."""

import json
from functools import cache
from typing import Any

from pages.languages import ASSETS

FOLDER = ASSETS / "home"


@cache
def measured_examples() -> dict[str, dict[str, Any]]:
    """The figures of each picture, by its name."""
    found: dict[str, dict[str, Any]] = json.loads(
        (FOLDER / "figures.json").read_text(encoding="utf-8")
    )
    return found
