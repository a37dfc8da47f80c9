"""The lab of this process, and the visit of this browser tab."""

from __future__ import annotations

import functools
import gc
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.server import served
from tl_core.lab import Job, Lab

if TYPE_CHECKING:  # what draws these needs the visit itself
    from pages.drawing.gallery import Finished
    from pages.shared.runs import Run
    from pages.teaching.box import Box
    from tl_core.specs import Snapshot


_starting = threading.Lock()


def the_lab() -> Lab:
    """The lab of this process, started at the first call.

    Not a cached resource of Streamlit's: any browser may have those thrown away for everybody.
    """
    with _starting:
        return _started(Lab)


@functools.cache
def _started(make: Callable[[], Lab]) -> Lab:
    """Start the lab, then take what is loaded out of the garbage collector.

    Streamlit collects garbage around every run; with torch in memory that would hold all visitors
    up for a fifth of a second each time.
    """
    lab = served.lab = make()
    gc.collect()
    gc.freeze()
    return lab


@dataclass
class Visit:
    """What one visitor has here; it ends with the browser tab."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    drawn_at: float = field(default_factory=time.monotonic)  # when the page was begun last
    photos: list[str] = field(default_factory=list)  # keys of their own photographs, newest first
    jobs: dict[str, Job] = field(default_factory=dict)  # the latest long question of each page
    given_up: dict[str, Snapshot | None] = field(default_factory=dict)  # of jobs: when stopped
    gallery: list[Finished] = field(default_factory=list)  # finished pictures, newest first
    runs: dict[str, Run] = field(default_factory=dict)  # the latest run of each page
    boxes: list[Box] = field(default_factory=list)  # classes of their own, to be taught
    last_shot: int = 0  # the largest number of a photograph from the camera for them
    thumbnails: dict[str, bytes] = field(default_factory=dict)  # of a run's photographs, by key
    labels: dict[str, str] = field(default_factory=dict)  # pictures on the picker, by key
    maps: dict[str, dict[str, str]] = field(default_factory=dict)  # classes on a data set's map


def the_visit() -> Visit:
    """This tab's visit, begun at its first page."""
    if "visit" not in st.session_state:
        st.session_state.visit = Visit()
    visit: Visit = st.session_state.visit
    the_lab().touch(visit.id)
    return visit


def tab_is_open() -> bool:
    """Whether this tab is still connected, asked in its own thread: a long callback may end."""
    context = get_script_run_ctx()
    return context is not None and bool(
        runtime.get_instance().is_active_session(context.session_id)
    )
