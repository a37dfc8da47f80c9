"""What the server and the pages tell each other.

The lab of this process is here once it has started: beside the first answers, or with a page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tl_core.errors import UserError

if TYPE_CHECKING:  # torch is not loaded before the server answers
    from tl_core.lab import Lab


def _nobody(_token: str) -> str | None:
    return None


lab: Lab | None = None
start_problem = ""  # why there is none yet, where it could not start
visitor_of: Callable[[str], str | None] = _nobody  # whose camera has this token
say: Callable[[UserError, str], str]  # set with the lab, before which there is no visitor
absent: Callable[[], frozenset[str]] = frozenset  # visitors whose tab is not open just now
large_came = False  # whether a large message has come since memory was given back last
being_read: dict[object, tuple[str, int]] = {}  # sessions and bytes of dropped sets, until read
refused: set[str] = set()  # sessions whose upload had no room, until their page says so
