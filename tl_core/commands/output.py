"""What a command says on its way and at its end."""

import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tl_core.specs.base import Snapshot

_EXECUTABLE = Path(sys.executable)
_IS_HERE = _EXECUTABLE.is_relative_to(Path.cwd())
PYTHON = str(_EXECUTABLE.relative_to(Path.cwd()) if _IS_HERE else _EXECUTABLE)  # as it is typed
_WIDTH = 70


@dataclass(frozen=True, slots=True)
class Result:
    """The end of a command."""

    facts: dict[str, Any]  # what --json prints
    text: str  # what is printed without it
    failures: tuple[str, ...] = ()  # lines for standard error
    status: int = 0  # of the process

    def to_json(self) -> str:
        """Return the facts as one JSON object, with null for a number that is not finite."""
        return json.dumps(_with_nulls(self.facts), allow_nan=False)


def _with_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_nulls(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_nulls(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def remark(line: str) -> None:
    """Say something on the way, in the place of ``show_line``; standard output has the result."""
    clear_line()
    print(line, file=sys.stderr, flush=True)


def show_line(line: str) -> None:
    """Write a run's state over the last one, where standard error is a terminal."""
    if sys.stderr.isatty():
        print(f"\r{line:<{_WIDTH}}", end="", file=sys.stderr)


def show_step(snapshot: Snapshot) -> None:
    """Write how many steps are done."""
    show_line(f"step {snapshot.step} of {snapshot.steps}")


def clear_line() -> None:
    """Take away what ``show_line`` has left."""
    if sys.stderr.isatty():
        print("\r" + " " * _WIDTH, end="\r", file=sys.stderr, flush=True)
