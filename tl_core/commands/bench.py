"""Measure the figures of docs/measured.md again."""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

_FOLDER = Path(__file__).parents[2] / "tests" / "bench"


def run(arguments: Sequence[str]) -> int:
    """Run ``tests/bench/NAME.py`` with the rest of the arguments; without a name, list them."""
    names = sorted(path.stem for path in _FOLDER.glob("[a-z]*.py"))
    if not arguments or arguments[0] not in names:
        print("usage: python -m tl_core bench NAME, with NAME one of:", *names, file=sys.stderr)
        return 2
    return int(importlib.import_module(f"tests.bench.{arguments[0]}").main(arguments[1:]))
