"""Jobs in a batch: who joins and leaves, whose controls moved, what is published and when."""

import dataclasses
import math
import time
from abc import abstractmethod
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tl_core.backbones.backbone import Backbone
from tl_core.engine.job import Job
from tl_core.engine.runner import SLICE_S, Runner
from tl_core.errors import UserError
from tl_core.imageopt.batch import FIGURES, Batch, Readings, Slot
from tl_core.images.codec import encode_jpeg
from tl_core.specs import Move, PictureSnapshot, PictureSpec, Spec
from tl_core.specs.pictures import FRAMES, HISTORY
from tl_core.toolbox import Toolbox

SNAPSHOT_S = 0.5  # between two pictures of one job
_CPU_ROOM, _GPU_ROOM = 8, 32
Photo: TypeAlias = NDArray[np.uint8]
S = TypeVar("S", bound=PictureSpec)


@dataclass(eq=False)
class Seat:
    """A job with its slot, and what a snapshot needs of its past; moves out whole on a pause."""

    job: Job
    slot: Slot
    spec: PictureSpec
    controls: PictureSpec  # as they act now: the spec with the moves so far
    heard: Spec  # the job's ``current`` when it was last looked at
    moves: list[Move] = field(default_factory=list)
    columns: tuple[str, ...] = ()
    history: list[tuple[float, ...]] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)  # only one encoding at a time adds to it
    waiting: list[Tensor] = field(default_factory=list)  # frames still on the device, uint8
    encoding: Future[PictureSnapshot] | None = None
    due_at: float = 0.0  # when the next snapshot is
    shown_at: float = 0.0
    shown_step: int = 0

    @property
    def is_encoding(self) -> bool:
        """Whether the pool still has this job's last pictures."""
        return self.encoding is not None and not self.encoding.done()


class BatchRunner(Runner, Generic[S]):
    """Runs jobs of one kind in one ``Batch``; a subclass says what a job's slot is.

    The networks are loaded, photographs decoded and pictures encoded in the pool.
    """

    def __init__(self, toolbox: Toolbox, spec: S) -> None:
        self.jobs: list[Job] = []
        self.toolbox = toolbox
        self.seats: dict[Job, Seat] = {}
        self.batch: Batch | None = None
        self.precision = "auto"
        self._spec = spec
        self._loading: Future[list[Backbone]] | None = None
        self._arriving: dict[Job, Future[Photo | None]] = {}
        self._readings: list[Readings] = []

    # -- what a kind of job says ---------------------------------------------------------------

    @abstractmethod
    def keys(self, spec: S) -> tuple[str, ...]:
        """The backbones that the jobs of this batch are optimised on."""

    @abstractmethod
    def photo(self, spec: S, backbone: Backbone) -> Photo | None:
        """The photograph to start from, uint8 (S, S, 3); called in the pool."""

    @abstractmethod
    def slot(self, spec: S, photo: Photo | None) -> Slot:
        """A fresh slot for a job; raises ``UserError`` where the spec does not fit the network."""

    @abstractmethod
    def steer(self, slot: Slot, spec: S) -> None:
        """Set the slot's numbers from the controls in ``spec``."""

    @abstractmethod
    def snapshot(self, seat: Seat, pixels: Tensor) -> PictureSnapshot:
        """What to show of a seat, without its pictures; may call the network.

        ``pixels`` are the slot's, (1, 3, S, S) in [0, 1], rounded to 8 bits.
        """

    @abstractmethod
    def result(self, snapshot: PictureSnapshot, picture: Photo) -> PictureSnapshot:
        """The final snapshot with its PNG; called in the pool."""

    def is_done(self, seat: Seat) -> bool:
        """Whether the slot has reached its end."""
        return seat.slot.step >= seat.slot.steps

    # -- the scheduler's side ------------------------------------------------------------------

    def has_room(self) -> bool:
        """Whether a further slot still makes the batch more efficient."""
        on_gpu = self.toolbox.device.type == "cuda"
        return len(self.jobs) < (_GPU_ROOM if on_gpu else _CPU_ROOM)

    def add(self, job: Job) -> None:
        """Take a job in; one with its seat in ``job.saved`` goes on where it was."""
        self.jobs.append(job)

    def remove(self, job: Job, *, keep: bool) -> bool:
        """Give a job up; with ``keep`` its seat moves to ``job.saved``."""
        self.jobs.remove(job)
        self._arriving.pop(job, None)
        if job in self.seats:
            self._read()
            seat = self._leave(job)
            job.saved = seat if keep else None
        return True

    def advance(self) -> Future[Any] | None:
        """Step the batch for a slice; a future where there is nothing to step yet."""
        if self.batch is None:
            if self._loading is None:
                self._loading = self.toolbox.pool.submit(self._load)
                return self._loading
            self.batch = Batch(self._loading.result(), self.precision)
        self._admit()
        until = time.monotonic() + SLICE_S
        while self.batch.slots:
            self._step()
            if time.monotonic() >= until:
                break
        return self._wait()

    def _load(self) -> list[Backbone]:
        return [self.toolbox.store.load(key) for key in self.keys(self._spec)]

    def _admit(self) -> None:
        """Seat the jobs that are ready, and end those that turn out impossible."""
        for job in [job for job in self.jobs if job not in self.seats]:
            if job.saved is not None:
                self._sit(job.saved)
                job.saved = None
            elif job not in self._arriving:
                self._arriving[job] = self.toolbox.pool.submit(
                    self.photo, _spec(job), self._batch.backbones[0]
                )
            elif self._arriving[job].done():
                self._welcome(job, self._arriving.pop(job))
        for seat in list(self.seats.values()):
            if self.is_done(seat) and seat.encoding is not None and seat.encoding.done():
                self._end(seat.job)
                seat.job.finish(seat.encoding.result())

    def _welcome(self, job: Job, photo: Future[Photo | None]) -> None:
        try:
            slot = self.slot(_spec(job), photo.result())
        except UserError as error:
            self.jobs.remove(job)
            job.fail(error)
            return
        spec = _spec(job)
        self._sit(Seat(job, slot, spec, controls=spec, heard=spec))

    def _sit(self, seat: Seat) -> None:
        seat.due_at = seat.shown_at = time.monotonic()
        seat.shown_step = seat.slot.step
        self.seats[seat.job] = seat
        if not self.is_done(seat):
            self._batch.join(seat.slot)

    def _leave(self, job: Job) -> Seat:
        seat = self.seats.pop(job)
        if seat.slot in self._batch.slots:
            self._batch.leave(seat.slot)
        return seat

    def _end(self, job: Job) -> None:
        self._leave(job)
        self.jobs.remove(job)

    def _wait(self) -> Future[Any] | None:
        """With no slot to step: the first thing of the pool that will change that."""
        if self._batch.slots:
            return None
        encodings = [seat.encoding for seat in self.seats.values() if seat.encoding is not None]
        waiting: list[Future[Any]] = [*self._arriving.values(), *encodings]
        return waiting[0] if waiting else None

    @property
    def _batch(self) -> Batch:
        if self.batch is None:
            raise ValueError("the networks are not loaded yet")
        return self.batch

    # -- one step --------------------------------------------------------------------------------

    def _step(self) -> None:
        for seat in self._running():
            self._hear(seat)
        try:
            readings = self._batch.step()
        except UserError as error:
            self._read()
            for seat in self._running():
                self._end(seat.job)
                seat.job.fail(error)
            return
        self._readings.append(readings)
        for row, slot in enumerate(readings.slots):
            self._keep_frame(self._seat(slot), readings.pixels[row])
        now = time.monotonic()
        due = [seat for seat in self._running() if self._is_due(seat, now)]
        if due:
            self._read()
            self._show([seat for seat in due if seat.job in self.seats], now)

    def _running(self) -> list[Seat]:
        return [self._seat(slot) for slot in self._batch.slots]

    def _seat(self, slot: Slot) -> Seat:
        return next(seat for seat in self.seats.values() if seat.slot is slot)

    def _is_due(self, seat: Seat, now: float) -> bool:
        return self.is_done(seat) or (now >= seat.due_at and not seat.is_encoding)

    def _hear(self, seat: Seat) -> None:
        """Apply the moves that a replayed spec holds for this step, then the visitor's."""
        planned = [move for move in seat.spec.moves if move[0] == seat.slot.step]
        heard = seat.job.current
        fresh = [
            (seat.slot.step, name, getattr(heard, name))
            for name in sorted(heard.controls)
            if getattr(heard, name) != getattr(seat.heard, name)
        ]
        seat.heard = heard
        for move in [*planned, *fresh]:
            seat.moves.append(move)
            seat.controls = seat.controls.moved(**{move[1]: move[2]})
        if planned or fresh:
            self.steer(seat.slot, cast(S, seat.controls))

    def _keep_frame(self, seat: Seat, pixels: Tensor) -> None:
        stride = -(-seat.slot.steps // FRAMES)
        if (seat.slot.step - 1) % stride == 0:
            seat.waiting.append(eight_bit(pixels))

    # -- reading and showing: the only places that wait for the device ---------------------------

    def _read(self) -> None:
        """Bring the figures of the steps since the last time, and fail the slots with a NaN."""
        readings, self._readings = self._readings, []
        ill = set()
        for reading in readings:
            rows = reading.values.tolist()
            for slot, step, row in zip(reading.slots, reading.steps, rows, strict=True):
                seat = self._seat(slot)
                kept = [*FIGURES, *slot.terms]
                figures = dict(zip((*FIGURES, *reading.terms), row, strict=True))
                seat.columns = ("step", *kept)
                if step % -(-slot.steps // HISTORY) == 0:
                    seat.history.append((step, *(figures[name] for name in kept)))
                if not all(np.isfinite(figures[name]) for name in kept):
                    ill.add(seat.job)
        for job in ill:
            step = self.seats[job].slot.step
            self._end(job)
            job.fail(_nan(step))

    def _show(self, seats: Iterable[Seat], now: float) -> None:
        slots = self._batch.slots
        pixels = eight_bit(self._batch.pixels())
        for seat in seats:
            mine = pixels[slots.index(seat.slot)]
            snapshot = self._timed(seat, self.snapshot(seat, mine.unsqueeze(0).float() / 255), now)
            frames, seat.waiting = [_array(frame) for frame in seat.waiting], []
            is_last, before = self.is_done(seat), seat.encoding
            if is_last:
                self._batch.leave(seat.slot)
            seat.encoding = self.toolbox.pool.submit(
                self._publish, seat, before, snapshot, _array(mine), frames, is_last
            )

    def _timed(self, seat: Seat, snapshot: PictureSnapshot, now: float) -> PictureSnapshot:
        slot, newest = seat.slot, seat.history[-1] if seat.history else ()
        speed = (slot.step - seat.shown_step) / max(now - seat.shown_at, 1e-9)
        seat.shown_at, seat.shown_step, seat.due_at = now, slot.step, now + SNAPSHOT_S
        return dataclasses.replace(
            snapshot,
            step=slot.step,
            steps=slot.steps,
            columns=seat.columns,
            history=tuple(seat.history),
            terms=tuple(zip(seat.columns, newest, strict=True))[1 + len(FIGURES) :],
            moves=tuple(seat.moves),
            settings=dataclasses.replace(seat.spec, moves=tuple(seat.moves)).to_json(),
            steps_per_s=speed,
            seconds_left=(slot.steps - slot.step) / speed if speed > 0 else math.inf,
        )

    def _publish(
        self,
        seat: Seat,
        before: Future[PictureSnapshot] | None,
        snapshot: PictureSnapshot,
        picture: Photo,
        frames: list[Photo],
        is_last: bool,
    ) -> PictureSnapshot:
        """Encode and show; in the pool, one after another so that pictures stay in order."""
        if before is not None:
            before.result()
        seat.frames.extend(encode_jpeg(frame) for frame in frames)
        jpeg = encode_jpeg(picture)
        snapshot = dataclasses.replace(snapshot, picture=jpeg, frames=tuple(seat.frames))
        if is_last:
            snapshot = self.result(snapshot, picture)
        seat.job.publish(snapshot)
        return snapshot


def _spec(job: Job) -> Any:
    """The job's spec; the batch key has brought only those of the runner's own kind."""
    return job.spec


def eight_bit(pixels: Tensor) -> Tensor:
    """Round pixels in [0, 1] to the levels 0 to 255 of a file, uint8."""
    return (pixels.detach() * 255).round().clamp(0, 255).to(torch.uint8)


def _array(pixels: Tensor) -> Photo:
    """Bring (3, S, S) uint8 from the device as (S, S, 3)."""
    array: Photo = pixels.permute(1, 2, 0).contiguous().cpu().numpy()
    return array


def _nan(step: int) -> UserError:
    return UserError(
        "The picture stopped being numbers before step {step}. Start again with a smaller "
        "learning rate or weight.",
        step=step,
    )
