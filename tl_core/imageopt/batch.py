"""A batch: slots that share each step, and all that the host prepares for one.

The step itself is in ``step``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tl_core.backbones.backbone import Backbone
from tl_core.errors import UserError
from tl_core.imageopt.augment import AffineViews
from tl_core.imageopt.losses import TERMS
from tl_core.imageopt.pixels import Parameterisation
from tl_core.imageopt.randomness import noise_tile
from tl_core.imageopt.slot import Slot
from tl_core.imageopt.step import NoiseInputs, PassInputs, StackInputs, take_step
from tl_core.machine.device import copied, is_out_of_memory
from tl_core.settings import Precision
from tl_core.specs.recipe import ZERO

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

    With several backbones a term is their mean. All passes are computed in ``precision``, however
    many slots there are. At most ``limit`` slots go through a network at once, fewer after the
    device has run out of memory. ``advanced`` is how many took the newest step.
    """

    def __init__(
        self, backbones: Sequence[Backbone], precision: Precision = "fp32", *, limit: int = 1024
    ) -> None:
        self.backbones = tuple(backbone.folded for backbone in backbones)
        self.precision: Precision = precision
        self.device = self.backbones[0].device
        self.limit = limit
        self.advanced = 0
        self._stacks: dict[Parameterisation, _Stack] = {}
        self._seeds: list[int] = []  # of the members with noise
        self._tiles = torch.empty(0)  # their noise

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
        self._keep_tiles()

    def leave(self, slot: Slot) -> None:
        """Give a slot its state back, if it is in the batch."""
        stack = self._stacks.get(slot.parameterisation)
        if stack is None or slot not in stack.slots:
            return
        row = stack.slots.index(slot)
        slot.state = stack.state[row].clone()
        del stack.slots[row]
        if stack.slots:
            stack.state = torch.cat([stack.state[:row], stack.state[row + 1 :]])
        else:
            del self._stacks[slot.parameterisation]
        self._keep_tiles()

    def write_back(self, slot: Slot) -> None:
        """Let a slot see its state, which stays in the batch; until the next step."""
        stack = self._stacks.get(slot.parameterisation)
        if stack is not None and slot in stack.slots:
            slot.state = stack.state[stack.slots.index(slot)]

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
        draws = [slot.draws() for slot in slots]
        stacks = self._stack_inputs()
        while True:
            parts = [slice(i, i + self.limit) for i in range(0, len(slots), self.limit)]
            passes = [self._pass_inputs(part, slots[part], draws[part], terms) for part in parts]
            try:
                figures, pixels = take_step(self.backbones, stacks, passes)
                break
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                self._halve(len(slots), error)
        for slot, row in zip(slots, figures, strict=True):
            if slot.update.adapt is not None:
                slot.update.adapt(dict(zip((*FIGURES, *terms), row, strict=True)))
        steps = tuple(slot.step for slot in slots)
        self.advanced = len(slots)
        for slot in slots:
            slot.step += 1
        return Readings(slots, steps, terms, figures, pixels)

    def _halve(self, count: int, error: Exception) -> None:
        tried = min(self.limit, count)
        if tried == 1:
            raise UserError(
                "The device has too little memory for this picture. Choose a smaller size or "
                "backbone, or wait until other runs have finished."
            ) from error
        self.limit = tried // 2
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _stack_inputs(self) -> list[StackInputs]:
        tables = [[slot.coefficients() for slot in stack.slots] for stack in self._stacks.values()]
        rows = zip(self._stacks.items(), copied(tables, self.device), strict=True)
        return [
            StackInputs(
                parameterisation,
                stack.state,
                coefficients=coefficients,
                gradient_maps=[slot.update.gradient_map for slot in stack.slots],
                constraints=[slot.update.constraint for slot in stack.slots],
            )
            for (parameterisation, stack), coefficients in rows
        ]

    def _pass_inputs(
        self,
        rows: slice,
        slots: Sequence[Slot],
        draws: Sequence[NDArray[np.float32]],
        terms: Sequence[str],
    ) -> PassInputs:
        owners = [row for row, slot in enumerate(slots) for _ in range(slot.views)]
        by_view = [slots[row] for row in owners]
        limits = [slot.affine_limits() for slot in by_view]
        factors = [slot.objective.residual_factor for slot in by_view]
        weights, of_views, factors_there, drawn, limits_there, noise = copied(
            [
                [slot.loss_weights(terms) for slot in slots],
                [[owner, 1 / slots[owner].views] for owner in owners],
                factors,
                np.concatenate(draws),
                limits,
                [self._noise_row(slot) for slot in by_view],
            ],
            self.device,
        )
        transforms = [
            (slot.augmentation.transform, its[:, -2:].tolist())
            for slot, its in zip(slots, draws, strict=True)
        ]
        references = [slot.objective.tv_reference for slot in slots]
        return PassInputs(
            rows=rows,
            terms=terms,
            weights=weights,
            tv_reference=_joined(references),
            owners=of_views[:, 0].long(),
            shares=of_views[:, 1:],
            target_weights=torch.stack([slot.objective.target_weights for slot in by_view]),
            channels=[slot.objective.channel for slot in by_view],
            residual_factors=None if set(factors) == {1.0} else factors_there,
            views=AffineViews.drawn(drawn, limits_there, [any(row) for row in limits]),
            transforms=transforms if any(t for t, _ in transforms) else (),
            noise=(
                NoiseInputs(self._tiles, noise, drawn)
                if any(slot.noise_level() > 0 for slot in slots)
                else None
            ),
            is_bf16=self.precision == "bf16",
        )

    def _noise_row(self, slot: Slot) -> tuple[float, float]:
        """The index of its tile, and how strong its noise is."""
        level = slot.noise_level()
        return (self._seeds.index(slot.seed), level) if level > 0 else (0, 0.0)

    def _keep_tiles(self) -> None:
        """Have the noise of the members, and of nobody else."""
        seeds = sorted({slot.seed for slot in self.slots if slot.augmentation.noise != ZERO})
        if seeds != self._seeds:
            tiles = [noise_tile(seed) for seed in seeds]
            self._tiles = torch.stack(tiles).to(self.device) if tiles else torch.empty(0)
            self._seeds = seeds


def _joined(parts: Sequence[Tensor | None]) -> Tensor | None:
    """Concatenate rows (1, ...), with zeros for those that are not given; None where all are."""
    given = [part for part in parts if part is not None]
    if not given:
        return None
    return torch.cat([given[0].new_zeros(given[0].shape) if p is None else p for p in parts])
