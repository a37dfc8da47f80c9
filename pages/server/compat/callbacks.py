"""What a click does is done to its end, also where the next click comes at once."""

from typing import Any

from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_run_context import RunLocation, ThreadState

from pages.server.compat import require


def finish_callbacks() -> None:
    """Let no callback be cut off in its middle; called once, at the server's start.

    Streamlit ends a run for a newer one whenever the script touches the session's state, in a
    callback too: what that has begun, such as bringing a visit back, would stay half done.

    Relied on: ``_maybe_handle_execution_control_request`` and ``_is_in_script_thread`` of
    ``ScriptRunner``, and ``ThreadState``.
    """
    require(ScriptRunner, "_maybe_handle_execution_control_request", "_is_in_script_thread")
    require(ThreadState, "get")
    give_way = ScriptRunner._maybe_handle_execution_control_request

    def outside_callbacks(runner: ScriptRunner) -> None:
        is_here = runner._is_in_script_thread()
        if not (is_here and ThreadState.get().run_location is RunLocation.CALLBACK):
            give_way(runner)

    where: Any = ScriptRunner
    where._maybe_handle_execution_control_request = outside_callbacks
