"""What the server and the pages tell each other.

The lab of this process is here once it has started: beside the first answers, or with a page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # torch is not loaded before the server answers
    from tl_core.lab import Lab

lab: Lab | None = None
absent: Callable[[], frozenset[str]] = frozenset  # visitors whose tab is not open just now
refused: set[str] = set()  # sessions whose upload had no room, until their page says so
