"""What a browser still holds of large messages travels to it as a reference, and never more."""

from typing import Any
from weakref import WeakKeyDictionary

from streamlit import config
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_cache import create_reference_msg
from streamlit.web.server.starlette.starlette_websocket import StarletteSessionClient

from pages.server.compat import require

LARGE_BYTES = 2000
MOST_HELD = 2_000  # messages; what is forgotten here is sent whole again


class Held:
    """The large messages that the browser at the other end of one connection still holds.

    Known by its own rule, from all that was sent to it in this order: it drops a message at the
    end of a run that may have drawn it again, once more than ``max_age`` runs ended since it was
    sent or referred to.
    """

    def __init__(self, max_age: int) -> None:
        self._max_age = max_age
        self._ended = 0  # runs
        self._used: dict[str, tuple[int, str]] = {}  # by hash: after how many runs; its fragment

    def shorten(self, message: ForwardMsg) -> ForwardMsg:
        """The message as it is to be sent next: itself, or a reference to what is held."""
        kind = message.WhichOneof("type")
        if kind == "script_finished":
            self._end_run(message)
        is_element = kind == "delta" and message.delta.WhichOneof("type") == "new_element"
        if not (is_element and message.hash and message.ByteSize() >= LARGE_BYTES):
            return message
        is_held = message.hash in self._used
        if len(self._used) >= MOST_HELD:  # runs that are broken off take nothing out
            self._used.clear()
        self._used[message.hash] = (self._ended, message.delta.fragment_id)
        if is_held:
            return create_reference_msg(message)
        message.metadata.cacheable = True
        return message

    def _end_run(self, message: ForwardMsg) -> None:
        if message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            return
        self._ended += 1
        drawn = message.metadata.run.fragment_ids  # none: the whole page
        self._used = {
            key: (ended, fragment)
            for key, (ended, fragment) in self._used.items()
            if self._ended - ended <= self._max_age or (drawn and fragment not in drawn)
        }


def send_references() -> None:
    """Refer to what a browser holds; called once, at the server's start.

    Streamlit's own references, which ``minCachedMessageSize`` turns off, rely on a list that comes
    with a request. Runs that end while that is on its way drop some of the list, and a reference
    to it ends the tab with an error: on a slow network now and then at a change of the page.

    Relied on: ``StarletteSessionClient.write_forward_msg``, one client for each connection.
    """
    require(StarletteSessionClient, "write_forward_msg")
    write = StarletteSessionClient.write_forward_msg
    max_age = int(config.get_option("global.maxCachedMessageAge"))
    held_by: WeakKeyDictionary[StarletteSessionClient, Held] = WeakKeyDictionary()

    def write_shortened(client: StarletteSessionClient, message: ForwardMsg) -> None:
        held = held_by.setdefault(client, Held(max_age))
        write(client, held.shorten(message))

    where: Any = StarletteSessionClient
    where.write_forward_msg = write_shortened
