"""Attacks that share a batch: one attempt per photograph, each believed only after a round trip."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from tl_core.backbones.backbone import Backbone
from tl_core.context import pixels_from
from tl_core.imageopt.attack.constraints import Ball, Box, blurred, even, unit
from tl_core.imageopt.attack.goals import Aim
from tl_core.imageopt.attack.sparse import Few
from tl_core.imageopt.attack.transforms import worn
from tl_core.imageopt.batch import FIGURES, Batch
from tl_core.imageopt.optimisers import OPTIMISERS
from tl_core.imageopt.reductions import length_of_each
from tl_core.imageopt.slot import Slot, fresh_state
from tl_core.images.codec import decode, encode_png, fit, to_array
from tl_core.specs import Attack, AttackMethod
from tl_core.specs.attack import HISTORY_ROWS
from tl_core.specs.recipes import NONE

Array: TypeAlias = NDArray[np.uint8]
History: TypeAlias = list[tuple[float, ...]]


@dataclass(eq=False)
class Attempt:
    """One attack: its settings as they stand, its slot, and what it has found so far."""

    spec: Attack
    original: Array  # uint8 (S, S, 3), what the first backbone sees of the photograph
    aim: Aim
    slot: Slot
    limit: Box
    found: Tensor | None = None  # the latest picture that reached the goal, (1, 3, S, S)
    latest: Tensor | None = None  # the latest picture at all
    first_success: int | None = None
    steps_done: int = 0
    probability: float = 0.0
    queries: int = 0
    history: History = field(default_factory=list)
    is_fooled: bool = False  # known once it is over
    is_over: bool = False
    error: Exception | None = None  # what ended it, where it failed
    stride: int = 1  # of the steps kept in the history

    @property
    def steps(self) -> int:
        """How many steps this run may take."""
        return min(self.spec.steps, self.spec.row.max_steps)

    @property
    def picture(self) -> Array:
        """The picture to save: the one that reached the goal, or else the latest; uint8."""
        pixels = self.latest if self.found is None or self.spec.row.keeps == "end" else self.found
        return self.original if pixels is None else to_levels(pixels)

    def see(self, probability: float, margin: float, pixels: Tensor, shown: int) -> bool:
        """Take in what the networks said of ``pixels``; return whether it might be the end."""
        self.steps_done, self.latest = self.slot.step - 1, pixels
        self.probability = probability
        self.queries += shown
        is_reached = margin < 0
        self.limit.adapt(is_reached=is_reached)
        if self.steps_done % self.stride == 0:
            self.history.append((self.steps_done, probability, margin))
        if len(self.history) > HISTORY_ROWS:
            self.stride *= 2
            self.history[:] = self.history[::2]
        if is_reached and self._is_better(pixels):
            self.found = pixels.clone()  # a view would keep the whole batch in memory
            if self.first_success is None:
                self.first_success = self.steps_done
        is_enough = is_reached and probability >= self.spec.confidence
        return (is_enough and self.spec.row.keeps == "first") or self.steps_done >= self.steps

    def _is_better(self, pixels: Tensor) -> bool:
        if self.found is None or self.spec.row.keeps != "shortest":
            return True
        return self._size(pixels) <= self._size(self.found)

    def _size(self, pixels: Tensor) -> float:
        change = pixels - self.limit.original
        is_count = self.spec.row.norm == "l0"
        return float((change != 0).sum() if is_count else length_of_each(change))


class Attacks:
    """Attempts that advance together on the same networks; not thread-safe.

    Runs in fp32: whether the goal was reached is decided where the answer on a page is.
    """

    def __init__(self, backbones: Sequence[Backbone]) -> None:
        self.backbones = tuple(backbones)
        self.batch = Batch(self.backbones, precision="fp32")
        self.attempts: dict[Slot, Attempt] = {}

    def add(self, spec: Attack, original: Array, aim: Aim) -> Attempt:
        """Start an attack on a photograph at the first backbone's input size."""
        attempt = self.attempt(spec, original, aim)
        self.join(attempt)
        return attempt

    def attempt(self, spec: Attack, original: Array, aim: Aim) -> Attempt:
        """An attack that has yet to join."""
        pixels = pixels_from(original, self.batch.device)
        slot, limit = self._slot(spec, pixels, pixels, aim)
        return Attempt(spec, original, aim, slot, limit)

    def join(self, attempt: Attempt) -> None:
        """Let an attempt act from the next step on."""
        self.attempts[attempt.slot] = attempt
        self.batch.join(attempt.slot)

    def move(self, attempt: Attempt, spec: Attack) -> None:
        """Go on with other settings from the picture as it is now."""
        self.remove(attempt)
        done = attempt.slot.step
        original = attempt.limit.original
        now = attempt.latest if attempt.latest is not None else original
        attempt.spec = spec
        attempt.slot, attempt.limit = self._slot(spec, original, now, attempt.aim)
        attempt.slot.step = min(done, attempt.slot.steps)
        if attempt.found is not None and bool(
            (attempt.limit(attempt.found) != attempt.found).any()
        ):
            attempt.found = None  # outside the new budget
        self.join(attempt)

    def remove(self, attempt: Attempt) -> None:
        """Give an attempt up, or end it."""
        self.batch.leave(attempt.slot)
        del self.attempts[attempt.slot]

    def step(self) -> list[Attempt]:
        """Advance every attempt by one step; return those that ended, which are taken out.

        What goes wrong with one attempt ends that one, with its ``error``.
        """
        readings = self.batch.step()
        margin = len(FIGURES) + readings.terms.index("margin")
        ended = []
        for row, (slot, values) in enumerate(
            zip(readings.slots, readings.values.tolist(), strict=True)
        ):
            attempt = self.attempts[slot]
            sign = attempt.aim.sign
            probability = values[0] if sign > 0 else 1 - values[0]
            pixels = readings.pixels[row : row + 1]
            shown = slot.camera.views * len(self.backbones)
            try:
                if attempt.see(probability, sign * values[margin], pixels, shown):
                    self._conclude(attempt)
            except Exception as error:  # noqa: BLE001 - whatever it is ends this attempt only
                attempt.error, attempt.is_over = error, True
            if attempt.is_over:
                ended.append(attempt)
        for attempt in ended:
            self.remove(attempt)
        return ended

    def is_fooled(self, picture: Array, aim: Aim) -> bool:
        """Whether the picture, saved as PNG and read back, has the aim on top on every network."""
        read = read_back(encode_png(picture))
        return all(aim.is_reached(self.answer(read, i)) for i in range(len(self.backbones)))

    def answer(self, picture: Array, index: int = 0) -> Tensor:
        """Logits (classes,) of one network for a picture, which it gets as on every page."""
        return answer(self.backbones[index], Image.fromarray(picture))

    @torch.inference_mode()
    def answers(self, seen: Sequence[Array], index: int = 0) -> Tensor:
        """Logits (N, classes) of one network for what it sees of pictures, asked together."""
        pixels = torch.cat([pixels_from(array, self.batch.device) for array in seen])
        parts = torch.split(pixels, self.batch.limit)
        return torch.cat([self.backbones[index].logits(part).float() for part in parts])

    def _conclude(self, attempt: Attempt) -> None:
        """Believe a success only after the round trip; without one, go on while there are steps."""
        attempt.is_fooled = self.is_fooled(attempt.picture, attempt.aim)
        is_last = attempt.steps_done >= attempt.steps
        if not attempt.is_fooled:
            attempt.found = None
            attempt.is_fooled = is_last and self.is_fooled(attempt.picture, attempt.aim)
        attempt.is_over = attempt.is_fooled or is_last

    def _slot(self, spec: Attack, original: Tensor, start: Tensor, aim: Aim) -> tuple[Slot, Box]:
        count = len(self.backbones[0].classes)
        return attack_slot(spec, original, start, aim, count)


def attack_slot(
    spec: Attack, original: Tensor, start: Tensor, aim: Aim, count: int
) -> tuple[Slot, Box]:
    """Return a fresh slot that goes from ``start`` about ``original``, and its budget.

    Args:
        spec: Its method's row says how.
        original: The photograph, (1, 3, S, S) in [0, 1].
        start: Pixels of the same shape.
        aim: What to see.
        count: Classes that the networks know.
    """
    row = spec.row
    limit = LIMITS[row.norm](original, spec.epsilon)
    generator = torch.Generator(device=original.device).manual_seed(spec.seed)
    terms = {
        name: replace(ramp, start=aim.sign * ramp.start, end=aim.sign * ramp.end)
        for name, ramp in row.terms
    }
    slot = Slot(
        parameterisation=limit.parameterisation,
        state=fresh_state(limit(limit.parameterisation.encode(start))),
        aim=aim.weights(count, original.device),
        generator=generator,
        steps=min(spec.steps, row.max_steps),
        optimiser=OPTIMISERS[row.optimiser],
        learning_rate=limit.unit * row.step_share,
        rate=row.rate,
        terms=terms | {"margin": NONE},
        tv_weight=row.smoothness * 255,
        camera=row.camera,
        constraint=limit,
        reshape=_reshaping(row),
        reference=original if row.smoothness else None,
        lens=worn if row.wears else None,
    )
    return slot, limit


LIMITS: dict[str, type[Box]] = {"linf": Box, "l2": Ball, "l0": Few}


def _reshaping(row: AttackMethod) -> Callable[[Tensor], Tensor]:
    scale = {"linf": even if row.even else _as_it_is, "l2": unit, "l0": unit}[row.norm]
    return lambda gradient: scale(blurred(gradient, row.blur))


def _as_it_is(gradient: Tensor) -> Tensor:
    return gradient


@torch.inference_mode()
def answer(backbone: Backbone, photo: Image.Image) -> Tensor:
    """Return the logits (classes,) of a network for a photograph, on the device."""
    return backbone.logits(pixels_from(look(backbone, photo), backbone.device))[0].float()


def look(backbone: Backbone, photo: Image.Image) -> Array:
    """Return what a network sees of a photograph, uint8 (S, S, 3); does not call it."""
    row = backbone.row
    return to_array(fit(photo, row.input_size, row.resize, row.interpolation))


def to_levels(pixels: Tensor) -> Array:
    """Return pixels (1, 3, S, S) in [0, 1] as uint8 (S, S, 3); waits for the device."""
    levels = torch.round(pixels[0] * 255).clamp(0, 255).to(torch.uint8)
    return levels.permute(1, 2, 0).contiguous().cpu().numpy()


def read_back(png: bytes) -> Array:
    """Return the pixels of a saved picture, uint8 (H, W, 3)."""
    return to_array(decode(png, max_pixels=2**26))
