"""What can be done to a widget of a page that AppTest has drawn, and how a browser would say it."""

import base64
import json
import random
from collections.abc import Iterable
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Element, Widget

from pages.languages import SOURCE
from pages.shared.words import in_language
from tests.component_event import component_event
from tests.journeys.files import files, names_for

PRESSES = ("button", "download_button")
_ONE_OF = ("selectbox", "radio", "select_slider")
_UPLOADS = ("file_uploader", "camera_input")
_COMPONENT = "bidi_component"
_COMPONENTS = ("clickable_picture", "live", "panes", "photo", "photos")
_MESSAGES: tuple[object, ...] = (
    None,
    7,
    [],
    {},
    {"number": "1", "data": ""},
    {"number": 1e99, "data": "a"},
    {"data": 1},
)
_TEXTS = ("", " ", "cats", "dogs", "Ä\u202e<b>*x*</b>", "../..", "a" * 60, "{0}", "$x$ `y`")
# what these offer, or how they call it, follows the network, the recipe or the result
_VARYING = frozenset({"layer", "layer_2", "learning_rate", "cell_page"})


def widgets(app: AppTest) -> dict[str, Any]:
    """Everything on the page that a visitor can change, by its key; the disabled left out."""
    found = {}
    for node in app._tree:
        key = getattr(node, "key", None)
        if key and not getattr(node.proto, "disabled", False) and values(node):
            found[key] = node
    return found


def values(node: Any) -> bool:
    """Whether there is a choice of what to do to it."""
    if node.type in (*_ONE_OF, "multiselect", "button_group"):
        return bool(node.options)
    if node.type == _COMPONENT:
        return node.proto.component_name in _COMPONENTS
    return isinstance(node, Widget)


def is_press(node: Element) -> bool:
    return node.type in PRESSES or node.type == _COMPONENT


def some_value(node: Any, chance: random.Random) -> Any:
    """Any value of the widget, its ends more often than the rest."""
    if node.type in PRESSES:
        return None
    if node.type in ("toggle", "checkbox"):
        return not node.value
    if node.type in ("slider", "number_input"):
        low, high = node.min, node.max
        steps = round((high - low) / node.step)
        return chance.choice((low, high, low + node.step * chance.randrange(steps + 1)))
    if node.type in _ONE_OF or _is_single(node):
        return chance.choice((0, len(node.options) - 1, chance.randrange(len(node.options))))
    if node.type in ("multiselect", "button_group"):
        most = getattr(node.proto, "max_selections", 0) or 4
        count = chance.randint(0, min(most, len(node.options)))
        return sorted(chance.sample(range(len(node.options)), count))
    if node.type == "text_input":
        return chance.choice(_TEXTS)
    if node.type == _COMPONENT:
        return _some_message(node, chance)
    names = ["good-240.jpg", "html.jpg"]
    if node.type == "file_uploader":
        names = names_for(list(node.proto.type))
    return chance.sample(names, chance.choice((0, 1, 1, 2, 3)) if _is_multiple(node) else 1)


def send(app: AppTest, node: Any, value: Any) -> None:
    """Change the widget as a browser does, and run the page."""
    if node.type in _UPLOADS:
        found = [(name, files()[name], "image/jpeg") for name in value]
        node.set_value(found if _is_multiple(node) else next(iter(found), None))
        app.run()
        return
    send_all(app, [(node, value)])


def language_of(app: AppTest) -> str:
    """The code of the language that the page was last drawn in."""
    state = app.session_state
    return str(state["current_language"]) if "current_language" in state else SOURCE


def send_all(app: AppTest, changes: Iterable[tuple[Any, Any]]) -> None:
    """Change several widgets, none of them an uploader, at once."""
    with in_language(language_of(app)):  # in which a widget's value is one of its options
        new = {node.id: _state(node, value) for node, value in changes}
        states = app._tree.get_widget_states()
    kept = [state for state in states.widgets if state.id not in new]
    app._run(WidgetStates(widgets=[*kept, *new.values()]))


def meaning(node: Any) -> tuple[object, ...] | None:
    """The kind of widget and its range; ``None`` for what has no value to keep."""
    if not isinstance(node, Widget) or node.key is None:
        return None
    kind = "button" if node.type in PRESSES else node.type
    if node.key in _VARYING:
        return (kind,)
    if node.type == "slider":
        return (kind, node.min, node.max, node.step)
    if node.type == "number_input":
        return (kind, node.min, node.max, node.step)
    if node.type == "select_slider":
        return (kind, *node.options)
    return (kind, _is_multiple(node)) if node.type == "file_uploader" else (kind,)


def meanings(app: AppTest) -> Iterable[tuple[str, tuple[object, ...]]]:
    """What each key of the page means."""
    for node in app._tree:
        found, key = meaning(node), getattr(node, "key", None)
        if found is not None and key is not None:
            yield key, found


def _state(node: Any, value: Any) -> WidgetState:
    state = WidgetState(id=node.id)
    if node.type in PRESSES:
        state.trigger_value = True
    elif node.type in ("toggle", "checkbox"):
        state.bool_value = value
    elif node.type == "slider":
        state.double_array_value.data[:] = [value]
    elif node.type == "number_input":
        state.double_value = value
    elif node.type in ("selectbox", "radio"):
        state.string_value = node.options[value % len(node.options)]
    elif node.type == "text_input":
        state.string_value = value
    elif node.type == _COMPONENT:
        state = component_event(node.proto.id, *_message(node, value))
    else:
        chosen = value if isinstance(value, list) else [value]
        named = [node.options[place % len(node.options)] for place in chosen]
        state.string_array_value.data[:] = dict.fromkeys(named)
    return state


def _some_message(node: Any, chance: random.Random) -> Any:
    """A click on the picture, a photograph or something else in its place, or a pane."""
    if node.proto.component_name == "clickable_picture":
        return chance.randrange(64)
    if node.proto.component_name in ("live", "photo"):
        return chance.choice((chance.choice(names_for([])), chance.choice(_MESSAGES)))
    if node.proto.component_name == "photos":
        some = chance.sample(names_for([]), chance.randint(1, 4))
        return chance.choice((some, some, some[:1], 0, 1, chance.choice(_MESSAGES)))
    return chance.choice(("classes", "learn", "try", chance.choice(_MESSAGES)))


def _message(node: Any, value: Any) -> tuple[str, Any]:
    """An event of the component, and its value."""
    data = json.loads(node.proto.json)
    if node.proto.component_name == "clickable_picture":
        spots = data["spots"]
        return "picked", spots[value % len(spots)]["id"]
    if node.proto.component_name in ("live", "photo"):
        if not isinstance(value, str):
            return "sent", value
        return "sent", {"number": data["taken"] + 1, "data": _base64(value)}
    if node.proto.component_name == "photos":
        if value == 1:
            return "emptied", True
        if value == 0:
            return "removed", data["photos"][0]["key"] if data["photos"] else "sha256:0"
        if not isinstance(value, list):
            return "sent", value
        is_recording = len(value) == 1
        return "sent", {
            "number": data["taken"] + len(value),
            "held": is_recording,
            "photos": [
                {"number": data["taken"] + number, "name": name, "data": _base64(name)}
                | ({"burst": 1} if is_recording else {})
                for number, name in enumerate(value, start=1)
            ],
        }
    return "opened", value


def _base64(name: str) -> str:
    return base64.b64encode(files()[name]).decode()


def _is_single(node: Any) -> bool:
    return node.type == "button_group" and node._is_single_select


def _is_multiple(node: Any) -> bool:
    return node.type == "file_uploader" and (node.accept_multiple_files or node.accept_directory)
