"""Pictures that are drawn in a batch: whose controls moved, what is published and when."""

import dataclasses
import math
import time
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tl_core.backbones.backbone import Backbone
from tl_core.context import Context
from tl_core.engine.job import Job
from tl_core.errors import UserError
from tl_core.imageopt.batch import FIGURES, Batch, Readings
from tl_core.imageopt.shared import Place, SharedRunner
from tl_core.imageopt.slot import Slot
from tl_core.images.codec import encode_jpeg
from tl_core.specs import Move, PictureSnapshot, PictureSpec, Spec
from tl_core.specs.pictures import FRAMES, HISTORY

SNAPSHOT_S = 0.5  # between two pictures of one job
Photo: TypeAlias = NDArray[np.uint8]
S = TypeVar("S", bound=PictureSpec)


@dataclass(eq=False, kw_only=True)
class Seat(Place):
    """A job with its slot, and what a snapshot needs of its past."""

    slot: Slot
    spec: PictureSpec
    controls: PictureSpec  # as they act now: the spec with the moves so far
    heard: Spec  # the job's ``current`` when it was last looked at
    moves: list[Move] = field(default_factory=list)
    columns: tuple[str, ...] = ()
    history: list[tuple[float, ...]] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)  # only one encoding at a time adds to it
    waiting: list[Tensor] = field(default_factory=list)  # frames still on the device, uint8
    is_ill: bool = False  # a figure is not a number
    shown_at: float = 0.0
    shown_step: int = 0

    def read(self, step: int, figures: Mapping[str, float]) -> None:
        """Take in the figures of the step that began at ``step``."""
        kept = [*FIGURES, *self.slot.terms]
        self.columns = ("step", *kept)
        if step % -(-self.slot.steps // HISTORY) == 0:
            self.history.append((step, *(figures[name] for name in kept)))
        self.is_ill |= not all(math.isfinite(figures[name]) for name in kept)

    @property
    def is_encoding(self) -> bool:
        """Whether the pool still has this job's last pictures."""
        return self.encoding is not None and not self.encoding.done()


class BatchRunner(SharedRunner[Seat], Generic[S]):
    """Draws pictures for as long as their specs say; a subclass says what a job's slot is."""

    precision = "auto"

    def __init__(self, context: Context, keys: Sequence[str]) -> None:
        super().__init__(context, keys)
        self._readings: list[Readings] = []

    # -- what a kind of job says ---------------------------------------------------------------

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
    def encoded(self, snapshot: PictureSnapshot, picture: Photo) -> PictureSnapshot:
        """The snapshot with the picture as a PNG that can be kept; called in the pool."""

    @abstractmethod
    def record(self, seat: Seat) -> PictureSpec:
        """The spec that draws the seat's picture again, as it is now."""

    @abstractmethod
    def is_done(self, seat: Seat) -> bool:
        """Whether the slot has reached its end."""

    # -- coming and going ------------------------------------------------------------------------

    def open(self) -> Batch:
        """A batch in the runner's precision."""
        return Batch(self.backbones, self.precision)

    def fetch(self, job: Job) -> Photo | None:
        """The photograph to start from."""
        return self.photo(_spec(job), self.backbones[0])

    def welcome(self, job: Job, fetched: Photo | None) -> Seat:
        """A seat whose controls are as the spec has them."""
        spec = _spec(job)
        slot = self.slot(spec, fetched)
        return Seat(job=job, slot=slot, spec=spec, controls=spec, heard=spec)

    def sit(self, place: Seat) -> None:
        """Let the slot draw on; its next picture is due at once."""
        place.due_at = place.shown_at = time.monotonic()
        place.shown_step = place.slot.step
        if not self.is_done(place):
            self.batch.join(place.slot)

    def leave(self, place: Seat) -> None:
        """Give the seat its figures and its slot the state."""
        try:
            self._read()
        finally:
            if place.slot in self.batch.slots:
                self.batch.leave(place.slot)

    def settle(self) -> None:
        """Finish the jobs whose result is encoded."""
        for seat in list(self.seats.values()):
            if seat.encoding is not None and seat.encoding.done():
                with self.sparing_others(seat.job):
                    encoded = seat.encoding.result()
                    if self.is_done(seat):
                        self.end(seat.job)
                        seat.job.finish(encoded)

    # -- one step --------------------------------------------------------------------------------

    def step(self) -> None:
        """Advance all by one step, and show the pictures that are due."""
        for seat in self._running():
            with self.sparing_others(seat.job):
                self._hear(seat)
        if not self.batch.slots:
            return
        try:
            readings = self.batch.step()
        except UserError as error:
            for seat in self._running():
                self.fail(seat.job, error)
            return
        self._readings.append(readings)
        for row, slot in enumerate(readings.slots):
            self._keep_frame(self._seat(slot), readings.pixels[row])
        now = time.monotonic()
        due = [seat for seat in self._running() if self._is_due(seat, now)]
        if due:
            self._read()
            for seat in [seat for seat in self._running() if seat.is_ill]:
                self.fail(seat.job, _nan(seat.slot.step))
            due = [seat for seat in due if seat.job in self.seats]
        if due:
            self._show(due, now)

    def _running(self) -> list[Seat]:
        return [self._seat(slot) for slot in self.batch.slots]

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
        """Bring the figures of the steps since the last time."""
        readings, self._readings = self._readings, []
        for reading in readings:
            rows = reading.values.tolist()
            seats = {seat.slot: seat for seat in self.seats.values()}
            for slot, step, row in zip(reading.slots, reading.steps, rows, strict=True):
                if slot in seats:
                    figures = dict(zip((*FIGURES, *reading.terms), row, strict=True))
                    with self.sparing_others(seats[slot].job):
                        seats[slot].read(step, figures)

    def _show(self, seats: Iterable[Seat], now: float) -> None:
        slots = self.batch.slots
        pixels = eight_bit(self.batch.pixels())
        for seat in seats:
            with self.sparing_others(seat.job):
                self._show_one(seat, pixels[slots.index(seat.slot)], now)

    def _show_one(self, seat: Seat, pixels: Tensor, now: float) -> None:
        """Show a seat whose picture is ``pixels``, uint8 (3, S, S)."""
        snapshot = self._timed(seat, self.snapshot(seat, pixels.unsqueeze(0).float() / 255), now)
        frames, seat.waiting = [_array(frame) for frame in seat.waiting], []
        is_last, before = self.is_done(seat), seat.encoding
        if is_last:
            self.batch.leave(seat.slot)
        seat.encoding = self.context.pool.submit(
            self._publish, seat, before, snapshot, _array(pixels), frames, is_last
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
            settings=self.record(seat).to_json(),
            steps_per_s=speed,
            batch_size=len(self.batch.slots),
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
        if is_last:
            seat.frames.append(jpeg)
        snapshot = dataclasses.replace(snapshot, picture=jpeg, frames=tuple(seat.frames))
        snapshot = self.encoded(snapshot, picture)
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
