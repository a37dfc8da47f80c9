"""Values of widgets that no browser sends are left out before a page sees them."""

import json
import logging
import re
from collections.abc import Collection
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.state.common import (
    RegisterWidgetResult,
    WidgetMetadata,
    unpack_widget_state_value,
    user_key_from_element_id,
)
from streamlit.runtime.state.session_state import Serialized, SessionState

from pages.server.compat import require
from pages.server.log_limit import log_limit

log = logging.getLogger(__name__)

_ANY_WILL_DO = {"bool_value", "trigger_value"}  # most widgets; none can be wrong, so none is tried
_OF_COMPONENTS = ("json_value", "json_trigger_value")
_HALF = re.compile(r"\\u[dD][89a-fA-F]")  # of a character; browsers write whole ones as they are
_DEEPEST = 20  # values within values; Streamlit copies them by recursion


def refuse_wrong_values() -> None:
    """Leave out values of another type than their widget's; called once, at the server's start.

    Streamlit gives a widget whatever comes under its name, and a page that draws it then ends in
    an error. The widget keeps the value it had. A click that comes late, for a widget whose key
    another one has by now, is left out too: its callback would read the other's value.

    Relied on: ``set_widgets_from_proto``, ``register_widget``, ``get_widget_id_from_key`` and
    ``_new_widget_state`` of ``SessionState``; ``unpack_widget_state_value`` and
    ``user_key_from_element_id``.
    """
    require(SessionState, "set_widgets_from_proto", "register_widget", "get_widget_id_from_key")
    require(SessionState(), "_new_widget_state")
    take, register = SessionState.set_widgets_from_proto, SessionState.register_widget

    def take_right_ones(state: SessionState, widgets: WidgetStates) -> None:
        known = state._new_widget_state.widget_metadata
        right = [
            sent
            for sent in widgets.widgets
            if _is_right(sent, known.get(sent.id))
            and not (sent.id in known and _has_lost_its_key(sent.id, state))
        ]
        if len(right) < len(widgets.widgets):
            widgets = WidgetStates(widgets=right)
        take(state, widgets)

    def register_with_right_value(
        state: SessionState, metadata: WidgetMetadata[Any], user_key: str | None
    ) -> RegisterWidgetResult[Any]:
        """For what came before the page had drawn the widget."""
        sent = state._new_widget_state.states.get(metadata.id)
        if isinstance(sent, Serialized) and not _fits(sent.value, metadata):
            del state._new_widget_state[metadata.id]
        return register(state, metadata, user_key)

    where: Any = SessionState
    where.set_widgets_from_proto = take_right_ones
    where.register_widget = register_with_right_value


def _is_right(sent: WidgetState, widget: WidgetMetadata[Any] | None) -> bool:
    """Whether the widget, as it was drawn last, can have this value and offers it."""
    if not _fits(sent, widget):
        return False
    options = widget.formatted_options if widget else None
    if options is None:
        return True
    chosen = [sent.string_value] if sent.HasField("string_value") else sent.string_array_value.data
    if not set(chosen).issubset(options):
        say_refused("a choice that is not offered")
        return False
    return True


def _has_lost_its_key(widget_id: str, state: SessionState) -> bool:
    """Whether another widget is under the key by now under which this one was drawn."""
    key = user_key_from_element_id(widget_id)
    return key is not None and state.get_widget_id_from_key(key) not in (None, widget_id)


def _fits(sent: WidgetState, widget: WidgetMetadata[Any] | None) -> bool:
    """Whether the widget, if it is known, can have this value."""
    kind = sent.WhichOneof("value")
    if widget is None or kind is None:
        return True
    if kind != widget.value_type:
        say_refused(f"a value of another kind for {widget.value_type}")
        return False
    if kind in _ANY_WILL_DO:
        return True
    try:
        value = widget.deserializer(unpack_widget_state_value(sent))
    except Exception:  # noqa: BLE001 - whatever a widget makes of what nobody's hands can send
        say_refused(f"a wrong value for {widget.value_type}")
        return False
    if kind in _OF_COMPONENTS and (_is_deep(value) or _has_half(getattr(sent, kind), value)):
        say_refused("a component's value with too many levels, or half a character")
        return False
    is_events = kind == "json_trigger_value"
    if is_events and not all(isinstance(event, dict) for event in value or ()):
        say_refused("a component's message of another shape")
        return False
    return True


def _is_deep(value: Any) -> bool:
    """Whether it has lists and dictionaries within each other beyond what a component sends."""
    level = [value]
    for _ in range(_DEEPEST):
        groups = [one.values() if isinstance(one, dict) else one for one in level]
        level = [each for one in groups if isinstance(one, Collection) and one for each in one]
        level = [each for each in level if not isinstance(each, str)]
    return bool(level)


def _has_half(text: str, value: Any) -> bool:
    """Whether a text in a component's value, sent as ``text``, cannot be written anywhere."""
    try:
        return bool(_HALF.search(text)) and not json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True


def say_refused(what: str) -> None:
    """Say in the log that something was left out, once a minute and visitor."""
    context = get_script_run_ctx()
    if log_limit.is_due("" if context is None else context.session_id, what):
        log.warning("Left out: %s", what)
