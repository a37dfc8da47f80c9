"""A zip or folder of photographs that is being read, while its visitor goes on with the lab."""

import logging
import time
from collections.abc import Callable
from threading import Semaphore, Thread

from tl_core.lab import BROKEN, OwnUpload, UserError

log = logging.getLogger(__name__)
AT_ONCE = 4  # of all visitors, each of which may hold a whole set in memory
_reading = Semaphore(AT_ONCE)
_LOOK_S = 1.0  # between two looks whether one that waits is still wanted
_MISSED_S = 10.0  # longer than a reload takes: then the tab was closed


class Intake:
    """Reads in a thread of its own; ``begin`` and ``stop`` may be called from any.

    ``is_missed`` says whether the visitor's tab is not open just now.
    """

    def __init__(self, is_missed: Callable[[], bool]) -> None:
        self.files = 0  # in all, once that is known
        self.begun = 0  # of them
        self.is_over = False
        self.is_stopped = False
        self.result: OwnUpload | None = None
        self.error: UserError | None = None
        self._is_missed = is_missed
        self._seen_at = time.monotonic()

    def begin(self, read: Callable[[], OwnUpload], end: Callable[[], None]) -> None:
        """Call ``read``, which asks ``is_wanted`` before each file, and keep its outcome.

        ``end`` is called after it, or where it is not wanted any more before its turn has come.
        """
        try:
            Thread(target=self._run, args=(read, end), name="lab-intake", daemon=True).start()
        except RuntimeError:  # the system has no thread left
            end()
            raise

    def stop(self) -> None:
        """End at the next file; nothing is kept."""
        self.is_stopped = True

    def expect(self, files: int) -> None:
        """Note how many files there are."""
        self.files = files

    def is_wanted(self) -> bool:
        """Count one more file; false once it was stopped or the tab is closed."""
        self.begun += 1
        return self._is_expected()

    def _is_expected(self) -> bool:
        if not self._is_missed():
            self._seen_at = time.monotonic()
        return not self.is_stopped and time.monotonic() - self._seen_at < _MISSED_S

    def _run(self, read: Callable[[], OwnUpload], end: Callable[[], None]) -> None:
        try:
            while not _reading.acquire(timeout=_LOOK_S):
                if not self._is_expected():
                    return
            try:
                self.result = read()
            finally:
                _reading.release()
        except UserError as error:
            self.error = error.without_values()
        except Exception:
            log.exception("a zip or folder could not be taken in")
            self.error = UserError(BROKEN)
        finally:
            end()
            self.is_over = True
