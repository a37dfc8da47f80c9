"""A batch: slots that share each step, and all that the host prepares for one.

The step itself is in ``step``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tl_core.backbones.backbone import Backbone
from tl_core.device import optimises_in_bf16
from tl_core.errors import UserError
from tl_core.imageopt.augment import AffineViews
from tl_core.imageopt.losses import TERMS
from tl_core.imageopt.pixels import Parameterisation
from tl_core.imageopt.slot import RandomDraws, Slot
from tl_core.imageopt.step import PassInputs, StackInputs, take_step

FIGURES = ("probability", "total_variation")  # read for every slot, before its loss terms


@dataclass(frozen=True)
class Readings:
    """Figures of one step, still on the device: reading them waits for it."""

    slots: tuple[Slot, ...]
    steps: tuple[int, ...]  # of each slot, when the figures were read
    terms: tuple[str, ...]
    values: Tensor  # (N, len(FIGURES) + len(terms))
    pixels: Tensor  # before the step, (N, 3, S, S)

    def of_each(self) -> Iterator[tuple[Slot, int, dict[str, float], Tensor]]:
        """Yield each slot with its step, figures by name, and pixels (1, 3, S, S)."""
        rows = self.values.tolist()
        each = zip(self.slots, self.steps, rows, self.pixels[:, None], strict=True)
        for slot, step, row, pixels in each:
            yield slot, step, dict(zip((*FIGURES, *self.terms), row, strict=True)), pixels


@dataclass(eq=False)
class _Stack:
    """The slots of one parameterisation and their stacked state, (N, 4, ...)."""

    slots: list[Slot]
    state: Tensor


class Batch:
    """Slots that advance together on the same networks; not thread-safe.

    With several backbones a term is their mean. ``limit`` is how many slots go through a network
    at once: all, until a GPU runs out of memory. ``advanced`` is how many took the newest step.
    """

    def __init__(self, backbones: Sequence[Backbone], precision: str = "fp32") -> None:
        self.backbones = tuple(backbone.folded for backbone in backbones)
        self.precision = precision
        self.device = self.backbones[0].device
        self.limit = 1024
        self.advanced = 0
        self._stacks: dict[Parameterisation, _Stack] = {}

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The members, in the order of every tensor the batch hands out."""
        return tuple(slot for stack in self._stacks.values() for slot in stack.slots)

    def join(self, slot: Slot) -> None:
        """Take a slot in; it takes part from the next step on."""
        stack = self._stacks.get(slot.parameterisation)
        state = slot.state.unsqueeze(0)
        if stack is None:
            self._stacks[slot.parameterisation] = _Stack([slot], state.clone())
        else:
            stack.state = torch.cat([stack.state, state])  # first: it refuses another size
            stack.slots.append(slot)

    def leave(self, slot: Slot) -> None:
        """Give a slot its state back, if it is in the batch."""
        stack = self._stacks.get(slot.parameterisation)
        if stack is None or slot not in stack.slots:
            return
        row = stack.slots.index(slot)
        slot.state = stack.state[row].clone()
        del stack.slots[row]
        if not stack.slots:
            del self._stacks[slot.parameterisation]
            return
        stack.state = torch.cat([stack.state[:row], stack.state[row + 1 :]])

    def pixels(self) -> Tensor:
        """Return every slot's picture as it is now, (N, 3, S, S) in [0, 1]."""
        return torch.cat([self.pixels_of(slot) for slot in self.slots])

    @torch.no_grad()
    def pixels_of(self, slot: Slot) -> Tensor:
        """Return the picture of a slot, in the batch or out of it, (1, 3, S, S) in [0, 1]."""
        stack, state = self._stacks.get(slot.parameterisation), slot.state
        if stack is not None and slot in stack.slots:
            state = stack.state[stack.slots.index(slot)]
        return slot.parameterisation.pixels(state[:1])

    def step(self) -> Readings:
        """Advance every slot by one step, without waiting for the device.

        Raises:
            UserError: If not even one slot fits into the device's memory.
        """
        slots = self.slots
        terms = tuple(t for t in TERMS if any(t in slot.objective.terms for slot in slots))
        sides = [backbone.input_size for backbone in self.backbones]
        draws = [slot.draw(sides) for slot in slots]
        stacks = [self._stack_inputs(*item) for item in self._stacks.items()]
        while True:
            parts = [slice(i, i + self.limit) for i in range(0, len(slots), self.limit)]
            passes = [self._pass_inputs(part, slots[part], draws[part], terms) for part in parts]
            try:
                figures, pixels = take_step(self.backbones, stacks, passes)
                break
            except torch.OutOfMemoryError as error:
                self._halve(len(slots), error)
        steps = tuple(slot.step for slot in slots)
        self.advanced = len(slots)
        for slot in slots:
            slot.step += 1
        return Readings(slots, steps, terms, figures, pixels)

    def _halve(self, count: int, error: torch.OutOfMemoryError) -> None:
        tried = min(self.limit, count)
        if tried == 1:
            raise UserError(
                "The device has too little memory for this picture. Choose a smaller size or "
                "backbone, or wait until other work has ended."
            ) from error
        self.limit = tried // 2
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _stack_inputs(self, parameterisation: Parameterisation, stack: _Stack) -> StackInputs:
        return StackInputs(
            parameterisation,
            stack.state,
            coefficients=self._numbers([slot.coefficients() for slot in stack.slots]),
            gradient_maps=[slot.update.gradient_map for slot in stack.slots],
            constraints=[slot.update.constraint for slot in stack.slots],
        )

    def _pass_inputs(
        self, rows: slice, slots: Sequence[Slot], draws: Sequence[RandomDraws], terms: Sequence[str]
    ) -> PassInputs:
        owners = [row for row, slot in enumerate(slots) for _ in range(slot.views)]
        by_view = [slots[row] for row in owners]
        transforms = [
            (slot.augmentation.transform, its.transform, slot.views)
            for slot, its in zip(slots, draws, strict=True)
        ]
        noise = [
            _joined([its.noise[i] if its.noise else len(its.affine) for its in draws])
            for i in range(len(self.backbones))
        ]
        references = [slot.objective.tv_reference for slot in slots]
        is_bf16 = self.precision == "bf16" or (
            self.precision == "auto" and optimises_in_bf16(self.device, len(by_view))
        )
        return PassInputs(
            rows=rows,
            terms=terms,
            weights=self._numbers([slot.loss_weights(terms) for slot in slots]),
            tv_reference=_joined([1 if its is None else its for its in references]),
            owners=torch.tensor(owners).to(self.device, non_blocking=True),
            shares=self._numbers([[1 / slot.views] for slot in by_view]),
            target_weights=torch.stack([slot.objective.target_weights for slot in by_view]),
            channels=[slot.objective.channel for slot in by_view],
            residual_factors=torch.tensor([slot.objective.residual_factor for slot in by_view]),
            views=AffineViews.drawn(
                torch.cat([its.affine for its in draws]), [s.affine_limits() for s in by_view]
            ),
            transforms=transforms if any(t for t, _, _ in transforms) else (),
            noise=noise,
            is_bf16=is_bf16,
        )

    def _numbers(self, rows: Sequence[Sequence[float]]) -> Tensor:
        return torch.tensor(rows, dtype=torch.float32).to(self.device, non_blocking=True)


def _joined(parts: Sequence[Tensor | int]) -> Tensor | None:
    """Concatenate, with zeros where only a number of rows is given; None where all are."""
    given = [part for part in parts if isinstance(part, Tensor)]
    if not given:
        return None
    return torch.cat(
        [p if isinstance(p, Tensor) else given[0].new_zeros(p, *given[0].shape[1:]) for p in parts]
    )
