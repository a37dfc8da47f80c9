"""Runs jobs with equal batch keys in one batch: admission, controls, steps, pictures, failures."""

import math
import time
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import chain
from typing import Any, Generic, TypeVar

from tl_core.backbones.backbone import Backbone
from tl_core.context import Context
from tl_core.engine.batching import batch_room
from tl_core.engine.job import Job
from tl_core.engine.runner import SLICE_S, Runner
from tl_core.errors import UserError
from tl_core.imageopt.batch import Batch, Readings
from tl_core.imageopt.checkpoint import packed, unpacked
from tl_core.imageopt.member import Member
from tl_core.imageopt.precision import known, measure
from tl_core.images.photo import PhotoArray
from tl_core.settings import Precision
from tl_core.specs.base import Snapshot, Spec

SHOWING_SHARE = 0.1  # of a processor's time for steps that may go into showing them
LONGEST_S = 6.0  # between two showings all the same, where the device has others to serve
HAND_OVER_SHARE = 0.02  # of the time that may go into handing pictures over

SpecT = TypeVar("SpecT", bound=Spec)
MemberT = TypeVar("MemberT", bound=Member)


class BatchRunner(Runner, Generic[SpecT, MemberT]):
    """Jobs in one ``Batch``; a subclass says what a job's member is and what it publishes.

    Whatever goes wrong with one job ends that job only. The pool loads networks, decodes
    photographs and encodes pictures.
    """

    batch: Batch  # there once the networks are

    def __init__(self, context: Context, keys: Sequence[str], precision: Precision) -> None:
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
        self._shown_at = -math.inf
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
            self.batch = Batch(self.backbones, self._known_precision(), limit=limit)
        self._admit_ready()
        self._finish_done()
        self._encode_due()
        if self.batch.slots and self.batch.precision == "auto":
            self.batch.precision = measure(self.context.settings.cache_dir, self.batch)
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

    def _known_precision(self) -> Precision:
        """What was asked for, set for the whole lab, or measured before; "auto" if nothing was."""
        settings = self.context.settings
        chosen = settings.precision if self._precision == "auto" else self._precision
        if chosen != "auto":
            return chosen
        networks = [backbone.row for backbone in self.backbones]
        return known(settings.cache_dir, self.backbones[0].device, networks) or chosen

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
        self._stepped_s, self._shown_at = 0.0, time.monotonic()
        self._showing_s = self._shown_at - start

    def _may_show(self, due: Sequence[MemberT]) -> bool:
        """Whether showing many takes little beside their steps; first and last never wait."""
        if len(self.members) == 1 or self.context.device.type != "cpu":
            return True
        is_late = time.monotonic() > self._shown_at + LONGEST_S
        is_urgent = is_late or any(member.is_done or not member.due_at for member in due)
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
            "Networks that know different classes can't work on one picture together. Choose "
            "networks that were trained on the same classes."
        )
    return tuple(backbones)
