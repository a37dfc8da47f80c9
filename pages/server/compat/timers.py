"""A timer asks for its fragment: it neither takes a page change back nor a widget's new value."""

from dataclasses import replace
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner import RerunData
from streamlit.runtime.scriptrunner_utils import script_requests
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests

from pages.server.compat import require
from pages.server.compat.widget_values import say_refused
from pages.server.messages import MOST_WIDGETS

MOST_WAITING_BYTES = 30 * 2**20  # of widgets' values, in a request that waits


def let_timers_change_nothing() -> None:
    """Draw a timer's fragment with what is known here; called once, at the server's start.

    A timer's message is as old as its way was long. It names all widgets' values as the browser
    showed them, so what a click has set meanwhile on the server would be set back; each change by
    hand comes in a message of its own. And a request that waits is folded with the next one, whose
    page counts: that of a timer comes from the page that is being left, so where a server is busy,
    a press on a link does nothing; while the next page is being drawn, it would begin a run of the
    one that was left, and is left out. A request that waits grows with each that is folded into it,
    by all presses that it brings; beyond what a page can ask for, a further one is left out.

    Relied on: ``ScriptRequests._request_rerun_locked``, its ``_state`` and ``_rerun_data``, and
    ``_is_full_app_rerun``.
    """
    require(ScriptRequests, "_request_rerun_locked")
    require(script_requests, "_is_full_app_rerun")
    require(ScriptRequests(), "_state", "_rerun_data")
    fold = ScriptRequests._request_rerun_locked

    def folded(requests: ScriptRequests, new: RerunData) -> bool:
        waiting = requests._rerun_data
        is_waiting = requests._state is script_requests.ScriptRequestType.RERUN
        if is_waiting and _is_too_much(waiting, new):
            say_refused("more requests than fit behind a run")
            return True
        is_over = requests._state is script_requests.ScriptRequestType.STOP
        drawn = "" if is_over else waiting.page_script_hash  # by now, or once it is its turn
        if new.is_auto_rerun and drawn not in ("", new.page_script_hash):
            return True
        if new.is_auto_rerun:
            states = waiting.widget_states if is_waiting else WidgetStates()
            new = replace(new, widget_states=states)
            if is_waiting and script_requests._is_full_app_rerun(waiting):
                new = replace(
                    new,
                    page_script_hash=waiting.page_script_hash,
                    page_name=waiting.page_name,
                    query_string=waiting.query_string,
                )
        return fold(requests, new)

    where: Any = ScriptRequests
    where._request_rerun_locked = folded


def _is_too_much(waiting: RerunData, new: RerunData) -> bool:
    """Whether a request that waits would grow, by one more, beyond what any page asks for."""
    both = [one.widget_states for one in (waiting, new) if one.widget_states is not None]
    count = sum(len(states.widgets) for states in both)
    return count > 2 * MOST_WIDGETS or sum(map(WidgetStates.ByteSize, both)) > MOST_WAITING_BYTES
