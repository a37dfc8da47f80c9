"""The ideal image's runner: its controls, when it is done, and what a snapshot shows."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from tl_core.backbones.backbone import read_answers
from tl_core.context import Context, pixels_from
from tl_core.engine.job import Job
from tl_core.errors import UserError
from tl_core.ideal.slot import slot_of, steer
from tl_core.imageopt import augment
from tl_core.imageopt.batch import FIGURES
from tl_core.imageopt.eight_bit import array_from, to_uint8
from tl_core.imageopt.frozen.function import quick_logits
from tl_core.imageopt.losses import total_variation
from tl_core.imageopt.member import HISTORY_ROWS, Member
from tl_core.imageopt.runner import BatchRunner
from tl_core.images.encode import SETTINGS_KEY, encode_jpeg, encode_png
from tl_core.images.photo import PhotoArray, fit, to_array
from tl_core.machine.device import no_memory_skips
from tl_core.specs.ideal import IdealImage, IdealSnapshot

FRAMES = 48  # most pictures kept for the animation, besides the last


@dataclass(eq=False, kw_only=True)
class IdealMember(Member):
    """A picture on its way, and what a snapshot needs of its past."""

    spec: IdealImage
    controls: IdealImage = field(init=False)
    waiting: list[Tensor] = field(default_factory=list)  # frames on the device, uint8
    new_frames: list[PhotoArray] = field(default_factory=list)  # the same, to be encoded
    frames: list[bytes] = field(default_factory=list)  # JPEG
    levels: Tensor = field(init=False)  # the picture that is due, as in a file, uint8 (1, 3, S, S)
    probability: float | None = None  # of its targets, if the network was asked already
    shown_picture: PhotoArray | None = None  # the newest that was published

    @property
    def columns(self) -> tuple[str, ...]:
        """Headings of the history."""
        return ("step", *FIGURES, *self.slot.objective.terms)

    @property
    def has_channel(self) -> bool:
        """Whether its goal is a channel, which has no probability."""
        return self.slot.objective.channel is not None

    @property
    def is_done(self) -> bool:
        """Whether the picture has reached its last step, or the one the spec stops at."""
        return self.slot.step >= (self.spec.until or self.spec.steps)

    def is_due(self, now: float) -> bool:
        """Also, that something has changed since its last picture."""
        return super().is_due(now) and (self.is_done or self.slot.step > self.shown[-1][1])

    def read(self, step: int, figures: Mapping[str, float], pixels: Tensor) -> None:
        """Take in the figures of a step, and keep every so many of its pictures."""
        kept = [figures[name] for name in self.columns[1:]]
        self.is_finite &= all(map(math.isfinite, kept))
        self.add_row(step, *kept)
        if step % -(-self.slot.steps // FRAMES) == 0:
            self.waiting.append(to_uint8(pixels))


class IdealRunner(BatchRunner[IdealImage, IdealMember]):
    """Ideal images that share networks, size and precision."""

    def __init__(self, context: Context, spec: IdealImage) -> None:
        super().__init__(context, (spec.backbone, *spec.also), spec.precision)

    def fetch(self, spec: IdealImage) -> PhotoArray | None:
        """The photograph to start from at the picture's size, uint8 (S, S, 3), if there is one."""
        if not spec.photo:
            return None
        row = self.backbones[0].row
        side = spec.size or row.input_size
        resize = side * row.resize // row.input_size
        photo = self.context.photos.photo(spec.photo)
        return to_array(fit(photo, side, resize, row.interpolation))

    def admit(self, spec: IdealImage, fetched: PhotoArray | None) -> IdealMember:
        """A member whose controls are as the spec has them."""
        if spec.steps > self.context.settings.max_steps:
            raise UserError(
                "steps must be at most {limit} here, got {steps}. Choose fewer steps.",
                limit=self.context.settings.max_steps,
                steps=spec.steps,
            )
        pixels = None if fetched is None else pixels_from(fetched, self.context.device)
        slot = slot_of(spec, self.backbones[0], pixels)
        return IdealMember(
            slot=slot,
            spec=spec,
            stride=-(-spec.steps // HISTORY_ROWS),
        )

    def apply_controls(self, member: IdealMember, current: IdealImage) -> None:
        """Apply the moves for this step."""
        moves = member.moves_now(current)
        if moves:
            member.take(moves, current)
            steer(member.slot, member.controls, self.backbones[0])

    def not_a_number(self, member: IdealMember) -> UserError:
        """What to say of a picture that is not finite."""
        return UserError(
            "Before step {step}, the picture's values were no longer valid numbers. Start again "
            "with a smaller learning rate or weight.",
            step=member.slot.step,
        )

    # -- what a snapshot shows -----------------------------------------------------------------

    def prepare(self, due: Sequence[IdealMember]) -> None:
        """Ask the network about all live pictures in one pass; about results it is asked alone."""
        for member in due:
            member.levels = to_uint8(self.batch.pixels_of(member.slot))
            member.probability = math.nan if member.has_channel else None
        live = [member for member in due if not member.is_done and member.probability is None]
        if len(live) > 1:
            with no_memory_skips(), suppress(UserError):  # then each draft asks for itself
                for member, probability in zip(live, self._quickly(live), strict=True):
                    member.probability = probability

    def draft(self, _job: Job[IdealImage], member: IdealMember) -> tuple[IdealSnapshot, PhotoArray]:
        """What the network says of the picture as a file would hold it."""
        if member.probability is None:
            (member.probability,) = self._probabilities([member], self.backbones[0].logits)
        levels, probability = member.levels, member.probability
        member.new_frames += [array_from(frame) for frame in member.waiting]
        member.waiting.clear()
        return self.snapshot(member, levels.float() / 255, probability), array_from(levels)

    def encode(
        self, member: IdealMember, draft: IdealSnapshot, picture: PhotoArray
    ) -> IdealSnapshot:
        """The draft with the picture as JPEG, and the frames of an animation; a result as PNG."""
        jpeg = encode_jpeg(picture)
        member.frames.extend(encode_jpeg(frame) for frame in member.new_frames)
        member.new_frames.clear()
        if member.is_last:
            member.frames.append(jpeg)
        member.shown_picture = picture
        shown = replace(draft, picture=jpeg, frames=tuple(member.frames))
        return _with_png(shown, picture) if member.is_last else shown

    def remove(self, job: Job[Any], *, keep: bool) -> bool:
        """Give a job up, paused or stopped: its newest picture is then kept without loss."""
        member = self.members.get(job)
        is_out = super().remove(job, keep=keep)
        if member is not None:
            if member.encoding is not None:
                _end_encoding(member, member.encoding)
            if isinstance(job.snapshot, IdealSnapshot) and member.shown_picture is not None:
                job.publish(_with_png(job.snapshot, member.shown_picture))
        return is_out

    def snapshot(self, member: IdealMember, pixels: Tensor, probability: float) -> IdealSnapshot:
        """What to show of a member whose 8-bit picture is ``pixels``, without its pictures."""
        slot, newest = member.slot, member.history[-1]
        speed = member.pace(self.batch.advanced)
        member.due_at = time.monotonic() + self.context.poll_s()
        return IdealSnapshot(
            step=slot.step,
            steps=slot.steps,
            settings=self.record(member).to_json(),
            probability=probability,
            total_variation=total_variation(pixels).item(),
            terms=tuple(zip(member.columns, newest, strict=True))[1 + len(FIGURES) :],
            columns=member.columns,
            history=tuple(member.history),
            moves=tuple(member.moves),
            steps_per_s=speed,
            batch_size=member.batch_size,
            seconds_left=(slot.steps - slot.step) / speed if speed > 0 else math.inf,
        )

    def _quickly(self, members: Sequence[IdealMember]) -> list[float]:
        """The same for pictures on their way, only as precise as the steps are."""
        is_bf16 = self.batch.precision == "bf16"
        ask = partial(quick_logits, self.batch.backbones[0], is_bf16=is_bf16)
        return self._probabilities(members, ask)

    @torch.no_grad()
    def _probabilities(
        self, members: Sequence[IdealMember], ask: Callable[[Tensor], Tensor]
    ) -> list[float]:
        """Of each picture's targets, by the logits of pictures (N, 3, S, S)."""
        side = self.backbones[0].input_size
        views = [augment.resize(member.levels.float() / 255, side) for member in members]
        parts = torch.split(torch.cat(views), self.batch.limit)
        probs = read_answers(torch.cat([ask(part) for part in parts])).softmax(1)
        targets = [member.slot.objective.target_weights.cpu() > 0 for member in members]
        return [row[its].sum().item() for row, its in zip(probs, targets, strict=True)]

    def record(self, member: IdealMember) -> IdealImage:
        """The spec with its moves and its precision, that ends where the picture is now."""
        step, spec = member.slot.step, member.spec
        until, precision = step if step < spec.steps else 0, self.batch.precision
        return replace(spec, moves=tuple(member.moves), until=until, precision=precision)


def _end_encoding(member: IdealMember, encoding: Future[Any]) -> None:
    """Wait for an encoding that has begun; one that waits in the pool is due again later."""
    if encoding.cancel():
        member.encoding, member.is_last = None, False
    else:
        wait([encoding])


def _with_png(shown: IdealSnapshot, picture: PhotoArray) -> IdealSnapshot:
    return replace(shown, png=encode_png(picture, text={SETTINGS_KEY: shown.settings}))
