"""The end of the process: on SIGTERM or Ctrl+C runs end, then the lab closes; the status is 0."""

import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

import click

from pages.server import process_state

if TYPE_CHECKING:
    from tl_core.lab import Lab

SHOWN_S = 3.0  # for the pages to draw what the last run came to; they look every two seconds
LAB_S = 7.0  # for the slice in progress; supervisors kill after 10
SERVER_S = 1.5  # then, for the connections
_LOOK_EVERY_S = 0.1


class Ending:
    """Ends the process in order once it was asked to, and whatever else happens after a while.

    The first signal is kept from the server, which would cut off every tab: runs may go on for the
    settings' ``end_s``, while pages say so and start no new ones. A second signal, or its own when
    no run is left, stops the server.

    The server waits for its visitors' connections as long as they last, then sends itself the
    signal again, so that the status would not be 0. And where the interpreter ends while threads
    compute in torch, the process aborts. So this ends the process itself, when the lab is closed
    and the server is done, or when time is up.
    """

    def __init__(self) -> None:
        self._is_asked = threading.Event()
        self._is_due = threading.Event()  # no run is waited for any more
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
            if not self._is_asked.is_set():
                self._is_asked.set()
            elif not self._is_due.is_set():
                self._is_due.set()
                if callable(before):
                    before(number, frame)  # the server stops

        return caught

    def _end(self) -> None:
        self._is_asked.wait()
        if process_state.lab is not None:
            self._let_runs_end(process_state.lab)
        signal.raise_signal(signal.SIGINT)  # Ray has a handler of its own for SIGTERM, which aborts
        if process_state.lab is not None:
            closing = threading.Thread(
                target=process_state.lab.close, name="lab-close", daemon=True
            )
            closing.start()
            closing.join(LAB_S)  # a step that hangs cannot be waited for
        self._is_served.wait(SERVER_S)
        os._exit(0)

    def _let_runs_end(self, lab: "Lab") -> None:
        """Wait until nothing runs, time is up or a second signal has come."""
        lab.begin_end()
        if not lab.has_runs():
            click.echo("\n  The lab ends.")
            return
        click.echo(
            f"\n  The lab ends. Runs may go on for {lab.settings.end_s:g} s; press Ctrl+C again to "
            "end them now."
        )
        deadline = time.monotonic() + lab.settings.end_s
        while lab.has_runs():
            if time.monotonic() > deadline or self._is_due.wait(_LOOK_EVERY_S):
                return
        self._is_due.wait(SHOWN_S)
