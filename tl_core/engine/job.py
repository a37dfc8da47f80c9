"""A job: one spec on its way through the worker, and the handle a page holds on it."""

import logging
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from enum import StrEnum
from typing import Any, Generic

from typing_extensions import TypeVar

from tl_core.errors import UserError
from tl_core.errors import gettext_noop as N_
from tl_core.specs.base import Snapshot, Spec

log = logging.getLogger(__name__)

SpecT = TypeVar("SpecT", bound=Spec)
SpecT_co = TypeVar("SpecT_co", bound=Spec, covariant=True, default=Spec)
Explain = Callable[[BaseException], UserError | None]  # an error in words, where there are some
BROKEN = N_("Something went wrong inside the lab; its log has the details. Please try again.")


class JobState(StrEnum):
    """The states of a job; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


class JobCancelled(Exception):
    """Raised inside a job's own work once its owner has cancelled it."""


class Job(Generic[SpecT_co]):
    """One submitted spec: its state, its newest snapshot, and the controls that reach it.

    Pages call the methods under "for the owner" from any thread; they only leave a request, which
    the worker honours at the next slice. The worker and the handlers call the rest. Reading
    ``snapshot``, ``state``, ``error``, ``owners`` and ``current`` is safe anywhere: each is one
    reference, swapped whole. Only the scheduler changes ``owners``, under its lock.
    """

    def __init__(
        self,
        spec: SpecT_co,
        owner: str,
        *,
        wake: Callable[[], None] = lambda: None,
        explain: Explain = lambda _error: None,
    ) -> None:
        self.id = uuid.uuid4().hex
        self.spec = spec
        self.current = spec  # the spec with every control moved since the start
        self.owners = frozenset({owner})  # several share it where equal questions were joined
        self.state = JobState.QUEUED
        self.snapshot: Snapshot | None = None
        self.error: UserError | None = None
        self.position = 0  # jobs ahead in the queue; 0 while running
        self.saved: Any = None  # a batched runner's state of this job while it is paused
        self.handed: tuple[int, bytes] | None = None  # a step, and all to go on from it
        self.held_bytes = 0  # memory that its work keeps from slice to slice
        self.pool_work: Future[Any] | None = None  # what its last slice left the pool to do
        self.cancel_requested = False
        self.pause_requested = False
        self.is_set_aside = False  # paused, but not by its owner, who is away
        self.is_unattended = False  # its owner's tab is closed, which may come back
        self.submitted_at = time.monotonic()
        self.started_at: float | None = None
        self.finished_at: float | None = None
        self.waited_s = 0.0  # since the start, for its turn or paused; kept by a ``SoloRunner``
        self._paused_s = 0.0
        self._paused_at: float | None = None
        self._lock = threading.Lock()
        self._finished = threading.Event()
        self._when_over: list[Callable[[Job], None]] = []
        self._wake = wake
        self._explain = explain

    # -- for the owner ---------------------------------------------------------------------

    def update(self, **controls: object) -> None:
        """Move controls of a running job; they act from its next step on.

        Raises:
            UserError: If a value is out of its range.
            ValueError: If a control is not one that acts during a run.
        """
        with self._lock:
            self.current = self.current.moved(**controls)
        self._wake()

    def pause(self) -> None:
        """Ask the worker to set this job aside after the slice in progress."""
        self.pause_requested = True
        self._paused_at = self._paused_at or time.monotonic()
        self._wake()

    def resume(self) -> None:
        """Ask the worker to take a paused job up again."""
        self._paused_s, self._paused_at = self.paused_s, None
        self.pause_requested = self.is_set_aside = False
        self._wake()

    def set_aside(self) -> None:
        """Pause until ``take_up``; what is paused already stays so."""
        if not self.pause_requested:
            self.is_set_aside = True
            self.pause()

    def take_up(self) -> None:
        """Go on with what was only set aside."""
        if self.is_set_aside:
            self.resume()

    def set_unattended(self, is_unattended: bool) -> None:
        """Note whether nobody has it in an open tab: then it gives its place up for others."""
        if is_unattended != self.is_unattended:
            self.is_unattended = is_unattended
            self._wake()

    def cancel(self) -> None:
        """Ask the worker to drop this job after the slice in progress."""
        self.cancel_requested = True
        self._wake()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Block until the job is over; return whether it is. Never call it from the worker."""
        return self._finished.wait(timeout_s)

    def when_over(self, listener: "Callable[[Job], None]") -> None:
        """Call ``listener`` with this job at its end, on the thread that ends it, or now."""
        with self._lock:
            if not self.is_over:
                self._when_over.append(listener)
                return
        listener(self)

    @property
    def is_over(self) -> bool:
        """Whether the job has reached a final state."""
        return self.state in FINAL

    @property
    def seconds(self) -> float:
        """Wall-clock seconds since the job was started, pauses left out; 0 before."""
        if self.started_at is None:
            return 0.0
        return (self.finished_at or time.monotonic()) - self.started_at - self.paused_s

    @property
    def paused_s(self) -> float:
        """Seconds for which it was paused so far, or had given up its place."""
        since = self._paused_at
        return self._paused_s + (0.0 if since is None else time.monotonic() - since)

    # -- for the scheduler -----------------------------------------------------------------

    def begin(self) -> None:
        """Run, for the first time or again."""
        self.state = JobState.RUNNING
        self.position = 0
        self.started_at = self.started_at or time.monotonic()
        self._paused_s, self._paused_at = self.paused_s, None

    def step_aside(self) -> None:
        """Wait for a place again, which counts as a pause."""
        self.state = JobState.QUEUED
        self._paused_at = self._paused_at or time.monotonic()

    # -- for the work ----------------------------------------------------------------------

    def worked_s(self) -> float:
        """Read a clock in seconds that runs only while this job is worked on."""
        return time.monotonic() - self.waited_s

    def check(self) -> None:
        """Raise ``JobCancelled`` once the owner has cancelled; long pool work calls it often."""
        if self.cancel_requested:
            raise JobCancelled

    def publish(self, snapshot: Snapshot) -> None:
        """Show a new snapshot; a job that is over keeps its last one."""
        if not self.is_over:
            self.snapshot = snapshot

    def finish(self, snapshot: Snapshot | None) -> None:
        """End as done, with the final snapshot."""
        if snapshot is not None:
            self.publish(snapshot)
        self._end(JobState.DONE)

    def fail(self, error: BaseException) -> None:
        """End as failed; a reason that is not in words for the owner goes to the log.

        Only the words are kept. A traceback holds every variable of the work, photographs and
        activations among them, so after a lack of memory the next run would lack it too.
        """
        words = error if isinstance(error, UserError) else None
        if words is None:
            log.error("%s failed", type(self.spec).__name__, exc_info=error)
        _let_go(error)
        self.error = (words or self._explained(error)).without_values()
        self._end(JobState.FAILED)

    def _explained(self, error: BaseException) -> UserError:
        try:
            words = self._explain(error)
        except Exception:
            log.exception("%s: its error could not be explained", type(self.spec).__name__)
            words = None
        return words or UserError(BROKEN)

    def mark_cancelled(self) -> None:
        """End as cancelled; the last snapshot stays."""
        self._end(JobState.CANCELLED)

    def _end(self, state: JobState) -> None:
        with self._lock:
            if self.is_over:
                return
            self.state = state
            self.held_bytes = 0
            self.handed = None
            self.finished_at = time.monotonic()
            listeners, self._when_over = self._when_over, []
        self._log_end()
        self._finished.set()
        for listener in listeners:
            listener(self)

    def _log_end(self) -> None:
        """Say in one line what a run came to, and nothing of its owner's."""
        if not self.spec.is_quick:
            shown = self.snapshot or Snapshot(steps=0)
            kind, subject = type(self.spec).__name__, self.spec.subject
            words = "%s of %s: %s, step %d of %d, %.1f s"
            log.info(words, kind, subject, self.state, shown.step, shown.steps, self.seconds)


def _let_go(error: BaseException | None) -> None:
    """Clear the variables that an exception and those it came from hold in their tracebacks."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
