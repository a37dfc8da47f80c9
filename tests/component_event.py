"""What a browser sends when a component of ours tells the page of something."""

import json

from streamlit.proto.WidgetStates_pb2 import WidgetState


def component_event(widget: str, event: str, value: object) -> WidgetState:
    """The message of one event, of the component with this widget id."""
    return WidgetState(
        id=f"$$STREAMLIT_INTERNAL_KEY_{widget}__events",
        json_trigger_value=json.dumps([{"event": event, "value": value}]),
    )
