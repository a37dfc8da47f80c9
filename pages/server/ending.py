"""The end of the process: on SIGTERM or Ctrl+C the lab closes, and the status is 0."""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

from pages.server import served

LAB_S = 7.0  # for the slice in progress; supervisors kill after 10
SERVER_S = 1.5  # then, for the connections


class Ending:
    """Ends the process in order once it was asked to, and whatever else happens after a while.

    The server waits for its visitors' connections as long as they last, then sends itself the
    signal again, so that the status would not be 0. And where the interpreter ends while threads
    compute in torch, the process aborts. So this ends the process itself, when the lab is closed
    and the server is done, or when time is up.
    """

    def __init__(self) -> None:
        self._is_asked = threading.Event()
        self._is_served = threading.Event()
        self._thread = threading.Thread(target=self._end, name="server-end", daemon=True)

    def watch(self) -> None:
        """Catch the signals from now on; call it in the main thread, after the server did."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._catcher(signal.getsignal(number)))
        self._thread.start()

    def finish(self) -> None:
        """Say that the server is done; does not return if the process was asked to end."""
        self._is_served.set()
        if self._is_asked.is_set():
            self._thread.join()

    def _catcher(self, before: object) -> Callable[[int, FrameType | None], None]:
        def caught(number: int, frame: FrameType | None) -> None:
            if not self._is_asked.is_set() and callable(before):
                before(number, frame)  # the server stops
            self._is_asked.set()

        return caught

    def _end(self) -> None:
        self._is_asked.wait()
        if served.lab is not None:
            closing = threading.Thread(target=served.lab.close, name="lab-close", daemon=True)
            closing.start()
            closing.join(LAB_S)  # a step that hangs cannot be waited for
        self._is_served.wait(SERVER_S)
        os._exit(0)
