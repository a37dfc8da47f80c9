"""The lab of this process, and the visit of this browser tab."""

import functools
import gc
import importlib
import threading
from collections.abc import Callable

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import ScriptRunContext, get_script_run_ctx

from pages.server import process_state
from pages.shared.visits import Visits
from pages.shared.words import sentence_in
from pages.visit.state import Visit
from tl_core.lab import Lab

_starting = threading.Lock()


def the_lab() -> Lab:
    """The lab of this process, started at the first call: the server's own, soon after its start.

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
    importlib.import_module("pandas")  # Plotly and tables would meet it half loaded by another tab
    lab = process_state.lab = make()
    process_state.absent = visits.absent
    process_state.visitor_of, process_state.say = visits.visitor_of, sentence_in
    lab.tell_when_forgotten(visits.forget)
    gc.collect()
    gc.freeze()
    return lab


def the_visit() -> Visit:
    """This tab's visit, begun at its first page.

    A tab that was cut off loses its visit to a copy of itself; coming back, it begins a new one.
    """
    lab = the_lab()  # before a visit is kept, which would stay if there is none
    if "visit" not in st.session_state:
        st.session_state.visit = Visit()
    visit: Visit = st.session_state.visit
    if not visits.hold(visit, _session()):
        _replace_visit(Visit())
        st.rerun()
    lab.touch(visit.id)
    return visit


def take_over(code: str, opened_with: dict[str, str]) -> bool:
    """Go on in this tab with the visit of this code, in place of the new one; only in a callback.

    Widgets get their values from the address in the browser, ``opened_with``, and from that visit's
    own choices, so all that the new one has chosen so far is dropped.
    """
    older = visits.take_over(code, _session())
    if older is None:
        return False
    the_lab().end(the_visit().id)
    _replace_visit(older)
    st.session_state.opened_with = opened_with
    return True


def begin_anew(opened_with: dict[str, str]) -> None:
    """Take the address in the browser for the one that this tab's visit was opened with."""
    _replace_visit(the_visit())
    st.session_state.opened_with = opened_with


def _replace_visit(visit: Visit) -> None:
    state = st.session_state
    kept = {"opened_with": state.opened_with} if "opened_with" in state else {}
    state.clear()
    state.update(visit=visit, **kept)


def script_context() -> ScriptRunContext:
    """What Streamlit knows of the run of the script that this thread is in."""
    context = get_script_run_ctx()
    if context is None:
        raise RuntimeError(
            "script_context must be called in a run of the script. Call it on a page."
        )
    return context


def _session() -> str:
    """Streamlit's name of this tab's session; none where a label is formatted outside a page."""
    context = get_script_run_ctx()
    return "" if context is None else context.session_id


def _is_connected(session: str) -> bool:
    return runtime.exists() and bool(runtime.get_instance().is_active_session(session))


visits = Visits(is_connected=_is_connected, resume=lambda visitor: the_lab().resume(visitor))
