"""What was measured: for the pictures that the lab brings along (assets/home/), and by benches."""

import json
from functools import cache
from typing import Any

from pages.languages import ASSETS

FOLDER = ASSETS / "home"


def measured_examples() -> dict[str, dict[str, Any]]:
    """The figures of each picture, by its name."""
    return measured("home/figures.json")


@cache
def measured(file: str) -> dict[str, Any]:
    """The figures in a file of assets/ that a measurement has written."""
    found: dict[str, Any] = json.loads((ASSETS / file).read_text(encoding="utf-8"))
    return found
