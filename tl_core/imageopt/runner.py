"""Runs jobs with equal batch keys in one batch: admission, controls, steps, pictures, failures."""

import math
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Generic, TypeVar

from torch import Tensor

from tl_core.backbones.backbone import Backbone
from tl_core.context import Context
from tl_core.engine.batching import batch_room
from tl_core.engine.job import Job
from tl_core.engine.runner import SLICE_S, Runner
from tl_core.errors import UserError
from tl_core.imageopt.batch import Batch, Readings
from tl_core.imageopt.handover import packed, unpacked
from tl_core.imageopt.slot import Slot
from tl_core.images.photo import PhotoArray
from tl_core.specs import Snapshot, Spec

SETTINGS_KEY = "settings"  # where a result's PNG keeps the JSON that replays it
HISTORY_ROWS = 512  # most rows of figures kept for a curve
PACE_PICTURES = 16  # newest pictures of a job over which its speed is measured
SHOWING_SHARE = 0.1  # of a processor's time for steps that may go into showing them
HAND_OVER_SHARE = 0.02  # of the time that may go into handing pictures over


AnyMove = tuple[int, str, Any]  # the first step on which a control has a new value


@dataclass(eq=False, kw_only=True)
class Member(ABC):
    """A picture in the batch, with what it needs to go on; moves out whole on a pause."""

    spec: Any  # as it began, with the moves to replay
    controls: Any = field(init=False)  # as they act now: the spec with the moves so far
    current: Any = field(init=False)  # the job's, when it was last looked at
    slot: Slot
    moves: list[AnyMove] = field(default_factory=list)
    stride: int = 1  # of the steps kept in the history
    history: list[tuple[float, ...]] = field(default_factory=list)
    is_finite: bool = True  # false once a figure was not a number
    encoding: Future[Any] | None = None  # what the pool makes of its latest picture
    is_last: bool = False  # that picture is the result
    due_at: float = 0.0  # when the next picture is
    batch_size: int = 1  # pictures that advanced with it, itself included
    shown: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=PACE_PICTURES))
    # when its newest pictures were, and the steps they showed

    def __post_init__(self) -> None:
        self.controls = self.current = self.spec

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs of it, whose clock is another and whose pool is empty."""
        return vars(self) | {"encoding": None, "is_last": False, "due_at": 0.0}

    def begin_pace(self) -> None:
        """Measure its speed from here."""
        self.shown.clear()
        self.shown.append((time.monotonic(), self.slot.step))

    def pace(self, batch_size: int) -> float:
        """Note a picture, and return the steps a second since batches had this size."""
        if batch_size != self.batch_size:
            self.batch_size, newest = batch_size, self.shown[-1]
            self.shown.clear()
            self.shown.append(newest)
        self.shown.append((time.monotonic(), self.slot.step))
        (first_at, first), (now, newest_step) = self.shown[0], self.shown[-1]
        return (newest_step - first) / max(now - first_at, 1e-9)

    def moves_now(self, current: Spec) -> list[AnyMove]:
        """The moves that the spec holds for this step, then the visitor's.

        ``current`` is the job's spec as it stands.
        """
        step = self.slot.step
        return [move for move in self.spec.moves if move[0] == step] + [
            (step, name, getattr(current, name))
            for name in sorted(current.controls)
            if getattr(current, name) != getattr(self.current, name)
        ]

    def take(self, moves: Sequence[AnyMove], current: Spec) -> None:
        """Let moves act on the controls, and keep them for a replay."""
        self.current = current
        self.moves += moves
        for _, name, value in moves:
            self.controls = self.controls.moved(**{name: value})

    @property
    @abstractmethod
    def is_done(self) -> bool:
        """Whether it takes no further step."""

    @abstractmethod
    def read(self, step: int, figures: Mapping[str, float], pixels: Tensor) -> None:
        """Take in the figures of a step and the pixels before it, (1, 3, S, S)."""

    def is_due(self, now: float) -> bool:
        """Whether its picture shall be encoded now."""
        is_free = self.encoding is None and not self.is_last
        return is_free and (self.is_done or now >= self.due_at)

    def note(self, step: int, *figures: float) -> None:
        """Keep a row of the history, fewer and fewer once there are ``HISTORY_ROWS``."""
        if step % self.stride == 0:
            self.history.append((step, *figures))
        if len(self.history) > HISTORY_ROWS:
            self.stride *= 2
            self.history[:] = self.history[::2]


SpecT = TypeVar("SpecT", bound=Spec)
MemberT = TypeVar("MemberT", bound=Member)


class BatchRunner(Runner, Generic[SpecT, MemberT]):
    """Jobs in one ``Batch``; a subclass says what a job's member is and what it publishes.

    Whatever goes wrong with one job ends that job only. The pool loads networks, decodes
    photographs and encodes pictures.
    """

    batch: Batch  # there once the networks are

    def __init__(self, context: Context, keys: Sequence[str], precision: str) -> None:
        self.jobs: list[Job[Any]] = []
        self.context = context
        self.members: dict[Job[Any], MemberT] = {}
        self.backbones: tuple[Backbone, ...] = ()
        self._keys = tuple(dict.fromkeys(keys))
        self._precision = precision
        self._loading: Future[list[Backbone]] | None = None
        self._fetching: dict[Job[Any], Future[Any]] = {}
        self._unread: list[Readings] = []
        self._most_unread: float = math.inf  # else figures are read when a picture is due
        self._stepped_s = 0.0  # since pictures were shown last
        self._showing_s = 0.0  # what that took
        self._hand_over_at = time.monotonic() + context.hand_over_s

    # -- what a kind of job says ---------------------------------------------------------------

    @abstractmethod
    def fetch(self, spec: SpecT) -> Any:
        """What is needed of the job's photograph; called in the pool."""

    @abstractmethod
    def admit(self, spec: SpecT, fetched: Any) -> MemberT:
        """A member for a fresh job; raises ``UserError`` where the network cannot do it."""

    @abstractmethod
    def apply_controls(self, member: MemberT, current: SpecT) -> None:
        """Let the controls in ``current``, the job's spec as it is now, act from this step on."""

    def prepare(self, due: Sequence[MemberT]) -> None:
        """Do what the drafts of several members need together; called before them."""

    @abstractmethod
    def draft(self, job: Job[SpecT], member: MemberT) -> tuple[Any, PhotoArray]:
        """What to show of a member now, and its picture, uint8 (S, S, 3); may call the networks."""

    @abstractmethod
    def encode(self, member: MemberT, draft: Any, picture: PhotoArray) -> Snapshot:
        """Return the draft with its picture encoded; called in the pool, once at a time."""

    @abstractmethod
    def not_a_number(self, member: MemberT) -> UserError:
        """What to say of a member that is not finite."""

    # -- the scheduler's side ------------------------------------------------------------------

    def has_room(self) -> bool:
        """Whether a further job still makes the batch more efficient."""
        return len(self.jobs) < batch_room(on_cpu=self.context.device.type != "cuda")

    def add(self, job: Job[Any]) -> None:
        """Take a job in; one with its member in ``job.saved`` goes on where it was."""
        self.jobs.append(job)

    def remove(self, job: Job[Any], *, keep: bool) -> bool:
        """Give a job up; with ``keep`` its member moves to ``job.saved``."""
        member = self.members.get(job)
        try:
            if member is not None:
                job.saved = member if keep else None
                self._read()
        finally:  # whatever is wrong with it, it may not stay in the batch
            self._end(job)
        if member is not None and keep and self.context.hands_over:
            job.handed = member.slot.step, packed(member)
        return True

    def advance(self) -> Future[Any] | None:
        """Step the batch for a slice; a future where there is nothing to step yet."""
        if not self.backbones:
            if self._loading is None:
                self._loading = self.context.pool.submit(self._load)
                return self._loading
            self.backbones = _of_same_classes(self._loading.result())
            limit = self.context.photos_at_once(len(self.backbones))
            self.batch = Batch(self.backbones, self._precision, limit=limit)
        self._admit_ready()
        self._finish_done()
        self._encode_due()
        until = time.monotonic() + SLICE_S
        while self.batch.slots:
            self.step()
            if time.monotonic() >= until:
                break
        if time.monotonic() >= self._hand_over_at:
            self._hand_over()
        return None if self.batch.slots else self._wait()

    def step(self) -> None:
        """Advance every member by one step, and encode the pictures that are due."""
        for job, member in self._running():
            with self._failing_alone(job):
                self.apply_controls(member, job.current)
        if not self.batch.slots:
            return
        start = time.monotonic()
        try:
            self._unread.append(self.batch.step())
        except UserError as error:
            for job, _ in self._running():
                self._fail(job, error)
            return
        self._stepped_s += time.monotonic() - start
        if len(self._unread) >= self._most_unread:
            self.read_and_check()
        for _, member in self._running():
            if member.is_done:
                self.batch.leave(member.slot)
        self._encode_due()

    def _hand_over(self) -> None:
        """Let every picture be gone on with by another process, should this one die."""
        start = time.monotonic()
        self._read()
        for job, member in self._running():
            with self._failing_alone(job):
                self.batch.write_back(member.slot)
                job.handed = member.slot.step, packed(member)
        now = time.monotonic()
        self._hand_over_at = now + max(self.context.hand_over_s, (now - start) / HAND_OVER_SHARE)

    # -- coming and going ----------------------------------------------------------------------

    def _load(self) -> list[Backbone]:
        return [self.context.backbones.load(key) for key in self._keys]

    def _admit_ready(self) -> None:
        """Let the jobs in whose photographs are there, and end those that turn out impossible."""
        for job in [job for job in self.jobs if job not in self.members]:
            if job.saved is None and job not in self._fetching:
                self._fetching[job] = self.context.pool.submit(self.fetch, job.spec)
            elif job.saved is not None or self._fetching[job].done():
                with self._failing_alone(job):
                    self.join(job, self._saved(job) or self._fresh(job))

    def _fresh(self, job: Job[Any]) -> MemberT:
        return self.admit(job.spec, self._fetching[job].result())

    def _saved(self, job: Job[Any]) -> MemberT | None:
        """The member with which a job goes on, from a pause or from another process."""
        is_packed = isinstance(job.saved, bytes)
        member: MemberT | None = unpacked(job.saved, self.backbones) if is_packed else job.saved
        return member

    def join(self, job: Job[Any], member: MemberT) -> None:
        """Let a member, fresh or back from a pause, take part from the next step on."""
        self._fetching.pop(job, None)
        job.saved = None
        self.members[job] = member
        member.begin_pace()
        if not member.is_done:
            self.batch.join(member.slot)

    def _end(self, job: Job[Any]) -> None:
        """Let a job go that is over, or moves out."""
        if job in self.jobs:
            self.jobs.remove(job)
        self._fetching.pop(job, None)
        member = self.members.pop(job, None)
        if member is not None:
            self.batch.leave(member.slot)

    def _fail(self, job: Job[Any], error: Exception) -> None:
        try:
            self.remove(job, keep=False)
        finally:
            job.fail(error)

    @contextmanager
    def _failing_alone(self, job: Job[Any]) -> Iterator[None]:
        """Let whatever goes wrong inside end this job only."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the batch's boundary, as the scheduler's
            self._fail(job, error)

    def _running(self) -> list[tuple[Job[Any], MemberT]]:
        slots = self.batch.slots
        return [item for item in self.members.items() if item[1].slot in slots]

    def _wait(self) -> Future[Any] | None:
        """With no slot to step: the first thing of the pool that will change that."""
        encoding = (member.encoding for member in self.members.values())
        return next((f for f in (*self._fetching.values(), *encoding) if f is not None), None)

    # -- figures and pictures ------------------------------------------------------------------

    def _read(self) -> None:
        """Give members the figures of the steps since the last time."""
        unread, self._unread = self._unread, []
        jobs = {member.slot: job for job, member in self.members.items()}
        for slot, step, figures, pixels in chain(*(readings.of_each() for readings in unread)):
            job = jobs.get(slot)
            if job in self.members:
                with self._failing_alone(job):
                    self.members[job].read(step, figures, pixels)

    def read_and_check(self) -> None:
        """Let members take in the steps so far, which waits for the device; some may fail."""
        self._read()
        for job, member in list(self.members.items()):
            if not member.is_finite:
                self._fail(job, self.not_a_number(member))

    def _encode_due(self) -> None:
        """Start to encode the pictures that are due, all in one go."""
        start = time.monotonic()
        due = [job for job, member in self.members.items() if member.is_due(start)]
        if not due or not self._may_show([self.members[job] for job in due]):
            return
        self.read_and_check()
        self.prepare([self.members[job] for job in due if job in self.members])
        for job in due:
            if job in self.members:
                with self._failing_alone(job):
                    member = self.members[job]
                    member.is_last = member.is_done
                    drafted = self.draft(job, member)
                    member.encoding = self.context.pool.submit(self._publish, job, member, *drafted)
        self._stepped_s, self._showing_s = 0.0, time.monotonic() - start

    def _may_show(self, due: Sequence[MemberT]) -> bool:
        """Whether showing many takes little beside their steps; first and last never wait."""
        if len(self.members) == 1 or self.context.device.type != "cpu":
            return True
        is_urgent = any(member.is_done or not member.due_at for member in due)
        return is_urgent or self._showing_s <= SHOWING_SHARE * self._stepped_s

    def _publish(self, job: Job[Any], member: MemberT, draft: Any, picture: PhotoArray) -> None:
        job.publish(self.encode(member, draft, picture))

    def _finish_done(self) -> None:
        """End the jobs whose last picture is published."""
        for job, member in list(self.members.items()):
            if member.encoding is not None and member.encoding.done():
                encoding, member.encoding = member.encoding, None
                with self._failing_alone(job):
                    encoding.result()
                    if member.is_last:
                        self._end(job)
                        job.finish(job.snapshot)


def _of_same_classes(backbones: Sequence[Backbone]) -> tuple[Backbone, ...]:
    """Refuse networks whose answers mean different things."""
    if any(backbone.classes != backbones[0].classes for backbone in backbones):
        raise UserError(
            "Networks that know different classes cannot look at one picture together. "
            "Choose networks that were trained on the same classes."
        )
    return tuple(backbones)
