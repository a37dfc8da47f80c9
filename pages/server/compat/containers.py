"""A page is drawn in its own place, also right after a part of it was drawn anew."""

from typing import Any

from streamlit.delta_generator_singletons import context_dg_stack, get_default_dg_stack_value
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext

from pages.server.compat import require


def begin_at_the_top() -> None:
    """Let every run of a page begin outside all containers; called once, at the server's start.

    A fragment that is drawn anew leaves the thread where it stands on the page. Where a click comes
    in the moment in which it ends, the same thread draws the whole page into the container of that
    fragment, and the browser shows a page within the page, or nothing any more.

    Relied on: ``ScriptRunContext.reset``, which comes before every run, ``context_dg_stack`` and
    ``get_default_dg_stack_value``.
    """
    require(ScriptRunContext, "reset")
    reset = ScriptRunContext.reset

    def reset_and_leave(context: ScriptRunContext, *args: Any, **named: Any) -> None:
        reset(context, *args, **named)
        context_dg_stack.set(get_default_dg_stack_value())

    where: Any = ScriptRunContext
    where.reset = reset_and_leave
