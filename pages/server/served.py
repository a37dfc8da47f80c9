"""The lab of this process, once a visitor's page has started it: the server itself must not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # torch is loaded for the first visitor, not before the server answers
    from tl_core.lab import Lab

lab: Lab | None = None
