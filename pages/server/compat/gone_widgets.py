"""Widgets that are drawn no more are forgotten."""

from typing import Any

from streamlit.runtime.state.session_state import SessionState

from pages.server.compat import require

MOST = 100  # of a tab, so that late clicks on them still count


def forget_gone_widgets() -> None:
    """Let go of widgets that a page has ceased to draw; called once, at the server's start.

    Streamlit drops their values, and keeps of each, for as long as the tab is open, its callback
    with what that holds (a picture, a class of photographs) and its key.

    Relied on: ``_remove_stale_widgets``, ``_new_widget_state``, ``_old_state`` and
    ``_key_id_mapper`` of ``SessionState``, and ``_key_id_mapping`` of the last.
    """
    require(SessionState, "_remove_stale_widgets")
    require(SessionState(), "_new_widget_state", "_old_state", "_key_id_mapper")
    require(SessionState()._key_id_mapper, "_key_id_mapping", "id_key_mapping")
    remove = SessionState._remove_stale_widgets

    def remove_whole(state: SessionState, active: frozenset[str]) -> None:
        remove(state, active)
        drawn = {*state._new_widget_state.states, *state._old_state, *active}
        known, keys = state._new_widget_state.widget_metadata, state._key_id_mapper
        gone = [widget for widget in known if widget not in drawn]  # those that came first lead
        for widget in gone[: max(len(gone) - MOST, 0)]:
            del known[widget]
            key = keys.id_key_mapping.pop(widget, None)
            if key is not None and keys._key_id_mapping.get(key) == widget:
                del keys._key_id_mapping[key]

    where: Any = SessionState
    where._remove_stale_widgets = remove_whole
