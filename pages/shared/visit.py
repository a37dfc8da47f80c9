"""The lab of this process, and the visit of this browser tab."""

import functools
import gc
import threading
from collections.abc import Callable

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import ScriptRunContext, get_script_run_ctx

from pages.server import served
from pages.state import Visit
from tl_core.lab import Lab

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


def the_visit() -> Visit:
    """This tab's visit, begun at its first page."""
    if "visit" not in st.session_state:
        st.session_state.visit = Visit()
    visit: Visit = st.session_state.visit
    the_lab().touch(visit.id)
    return visit


def script_context() -> ScriptRunContext:
    """What Streamlit knows of the run of the script that this thread is in."""
    context = get_script_run_ctx()
    if context is None:
        raise RuntimeError(
            "script_context must be called in a run of the script. Call it on a page."
        )
    return context


def tab_is_open() -> bool:
    """Whether this tab is still connected, asked in its own thread: a long callback may end."""
    context = get_script_run_ctx()
    return context is not None and bool(
        runtime.get_instance().is_active_session(context.session_id)
    )
