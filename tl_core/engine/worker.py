"""The worker's thread, kept alive and watched: what ends, hangs or breaks is noticed and said."""

import logging
import os
import threading
from collections.abc import Callable

from tl_core.engine.awake import TICK_S
from tl_core.engine.scheduler import Scheduler
from tl_core.errors import UserError
from tl_core.errors import gettext_noop as N_

log = logging.getLogger(__name__)

EXIT_STATUS = 70  # EX_SOFTWARE of sysexits.h, for the supervisor that starts the lab again
_DIED = N_("The lab's worker had to restart, and that ended this run. Please start it again.")
_HANGS = N_(
    "The lab's device has not answered for {minutes} minutes, so nothing can run. Please ask the "
    "person who runs the lab to restart it."
)
_BROKEN = N_(
    "The lab's graphics card has failed, so nothing can run. Please ask the person who runs the "
    "lab to restart it."
)


class Worker:
    """Runs the scheduler's loop in a thread of its own; ``trouble`` is safe from any thread.

    A thread that dies is replaced and its open jobs fail in a sentence. A slice that does not come
    back within ``hang_s`` cannot be ended: the worker then only says so, until it does come back.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        *,
        name: str,
        hang_s: float,
        prepare_thread: Callable[[], None],
        exits_on_hang: bool = False,
        leave_process: Callable[[int], None] = os._exit,
    ) -> None:
        self._scheduler = scheduler
        self._name = name
        self._hang_s = hang_s
        self._prepare_thread = prepare_thread
        self._exits_on_hang = exits_on_hang
        self._leave_process = leave_process
        self._is_broken = False
        self._closing = threading.Event()
        self._thread = self._new_thread()
        self._watch = threading.Thread(target=self._watch_over, name=f"{name}-watch", daemon=True)

    def start(self) -> None:
        """Start working and watching."""
        self._thread.start()
        self._watch.start()

    def close(self, timeout_s: float) -> bool:
        """Stop after the slice in progress; return whether that came back in time."""
        self._closing.set()
        self._scheduler.stop()
        self._thread.join(timeout_s)
        self._watch.join(timeout_s)
        return not self._thread.is_alive()

    def note_broken(self) -> None:
        """Remember that the device will not work again in this process."""
        self._is_broken = True

    def trouble(self) -> UserError | None:
        """Return why nothing can run now, in a sentence; ``None`` while all is well."""
        busy_s = self._scheduler.busy_s
        if self._is_broken:
            return UserError(_BROKEN)
        if busy_s > self._hang_s:
            return UserError(_HANGS, minutes=max(round(busy_s / 60), 1))
        return None

    def _new_thread(self) -> threading.Thread:
        return threading.Thread(target=self._work, name=self._name, daemon=True)

    def _work(self) -> None:
        try:
            self._prepare_thread()
            self._scheduler.run()
        except BaseException:  # SystemExit too: whoever waits for an answer must hear of it
            log.exception("the worker's thread ended; another takes its place")
            self._scheduler.fail_all(UserError(_DIED))
            if not self._closing.is_set():
                self._thread = self._new_thread()
                self._thread.start()

    def _watch_over(self) -> None:
        """Log a device that does not answer, once, and end the process where that is wished.

        Looking reads the scheduler's clock, which an ``AwakeClock`` needs.
        """
        was_in_trouble = False
        while not self._closing.wait(min(self._hang_s / 4, TICK_S)):
            trouble = self.trouble()
            if trouble is not None and not was_in_trouble:
                log.critical("%s", trouble)
                if self._exits_on_hang:
                    logging.shutdown()
                    self._leave_process(EXIT_STATUS)
            was_in_trouble = trouble is not None
