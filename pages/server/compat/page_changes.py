"""A click that leads to another page counts, also where a timer asks at the same moment."""

from dataclasses import replace
from typing import Any

from streamlit.runtime.scriptrunner import RerunData
from streamlit.runtime.scriptrunner_utils import script_requests
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests

from pages.server.compat import require


def keep_page_changes() -> None:
    """Let no timer take back what page is asked for; called once, at the server's start.

    A request that waits is folded with the next one, whose page counts. That of a timer comes from
    the page that is being left, so where a server is busy, a press on a link does nothing.

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
        if is_waiting and new.is_auto_rerun and script_requests._is_full_app_rerun(waiting):
            new = replace(
                new,
                page_script_hash=waiting.page_script_hash,
                page_name=waiting.page_name,
                query_string=waiting.query_string,
            )
        return fold(requests, new)

    where: Any = ScriptRequests
    where._request_rerun_locked = folded
