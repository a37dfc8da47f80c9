"""Messages that no browser sends: whoever sends them, the lab is well and others see nothing."""

import atexit
import functools
import random
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import ConnectionClosed

from pages.shared.sitemap import PAGES
from tests.app_process import AppProcess, app_process
from tests.fuzz.links import VALUES
from tests.fuzz.registry import Kind
from tests.websocket_client import Visitor


def forged_message(seed: int) -> None:
    """Values of another type, for widgets of any name, fragments and pages that never were."""
    chance, app = random.Random(seed), running_app()
    with Visitor(app.url) as forger:
        forger.open(chance.choice(PAGES).address)
        with suppress(ConnectionClosed):  # a message that is none of Streamlit's
            for _ in range(chance.randint(1, 4)):
                forger.send(_message(chance, forger))
            forger.open("attack")
        assert forger.errors == []
    with Visitor(app.url) as other:
        assert other.open("attack").texts
    assert app.get("/ready") == "ok"
    assert "Traceback" not in app.log


def _message(chance: random.Random, forger: Visitor) -> bytes:
    message = BackMsg()
    rerun = message.rerun_script
    widgets = [*forger.widgets.values(), "$$ID-0-sample", chance.choice(VALUES)]
    for widget in chance.choices(widgets, k=chance.randint(1, 5)):
        rerun.widget_states.widgets.append(_state(chance, widget))
    rerun.page_script_hash = chance.choice(("", "0" * 32, chance.choice(VALUES)))
    rerun.query_string = chance.choice(("", f"backbone={chance.choice(VALUES)}"))
    if chance.random() < 0.3:
        rerun.fragment_id = chance.choice((*forger.fragments, chance.choice(VALUES)))
    data = bytearray(message.SerializeToString())
    if chance.random() < 0.3:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def _state(chance: random.Random, widget: str) -> WidgetState:
    text, number = chance.choice(VALUES), chance.choice((-1, 0, 1, 10**6, 2**53))
    state = WidgetState(id=widget)
    kind = chance.choice([field.name for field in WidgetState.DESCRIPTOR.oneofs[0].fields])
    scalars: dict[str, Any] = {
        "trigger_value": True,
        "bool_value": chance.random() < 0.5,
        "double_value": chance.choice((float("nan"), float("inf"), -1.5, number)),
        "int_value": number,
        "string_value": text,
        "json_value": chance.choice(("{", "[]", '{"rows": [9999]}', text)),
        "bytes_value": text.encode(),
    }
    if kind in scalars:
        setattr(state, kind, scalars[kind])
    elif kind == "int_array_value":
        state.int_array_value.data.extend([number, -1])
    elif kind == "double_array_value":
        state.double_array_value.data.extend([float("nan"), number])
    elif kind == "string_array_value":
        state.string_array_value.data.extend([text, *chance.sample(VALUES, 2)])
    elif kind == "file_uploader_state_value":
        state.file_uploader_state_value.uploaded_file_info.add(file_id=text, name=text, size=1)
    return state


KINDS = (Kind("forged message", forged_message, share=0.03),)


@functools.cache
def running_app() -> AppProcess:
    """One running app for all cases; it ends with the process."""
    end = ExitStack()
    atexit.register(end.close)
    folder = end.enter_context(tempfile.TemporaryDirectory(prefix="lab-messages-"))
    return end.enter_context(app_process(Path(folder)))
