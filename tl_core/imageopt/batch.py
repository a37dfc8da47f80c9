"""The one optimiser: slots that share a forward and a backward pass at each step.

Ideal images and adversarial photographs are the same loop: pixels from parameters, a random view,
the network, loss terms, the gradient, a step, a constraint.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor

from tl_core.backbones.backbone import Backbone
from tl_core.device import autocast_bf16, optimises_in_bf16
from tl_core.errors import UserError
from tl_core.imageopt import augment
from tl_core.imageopt.branches import damping
from tl_core.imageopt.losses import TERMS, Seen, total_variation, watching
from tl_core.imageopt.optimisers import coefficients, update
from tl_core.imageopt.pixels import Parameterisation
from tl_core.imageopt.slot import Slot

FIGURES = ("probability", "total_variation")  # read for every slot, before its loss terms


@dataclass(frozen=True)
class Readings:
    """Figures of one step, still on the device: reading them waits for it."""

    slots: tuple[Slot, ...]
    steps: tuple[int, ...]  # of each slot, when the figures were read
    terms: tuple[str, ...]
    values: Tensor  # (N, len(FIGURES) + len(terms))
    pixels: Tensor  # before the step, (N, 3, S, S)


@dataclass(eq=False)
class _Stack:
    """The slots of one parameterisation and their stacked state, (N, 4, ...)."""

    slots: list[Slot]
    state: Tensor


@dataclass(frozen=True)
class _Shot:
    """The random numbers of one slot's step, drawn before the network is called."""

    draws: Tensor  # (views, DRAWS)
    lens_draws: Tensor  # the same, none without a lens
    noise: list[Tensor]  # for each backbone (views, 3, S, S), times its level


@dataclass(frozen=True)
class _Part:
    """The slots of one pass."""

    slots: Sequence[Slot]
    shots: Sequence[_Shot]
    pixels: Tensor

    @property
    def owners(self) -> list[int]:
        """The row of the slot behind each view."""
        return [row for row, slot in enumerate(self.slots) for _ in range(slot.camera.views)]


class Batch:
    """Slots that advance together on the same networks; not thread-safe.

    With several backbones a term is their mean. ``limit`` is how many slots go through a network
    at once: all, until a GPU runs out of memory.
    """

    def __init__(self, backbones: Sequence[Backbone], precision: str = "fp32") -> None:
        self.backbones = tuple(backbone.folded for backbone in backbones)
        self.precision = precision
        self.device = self.backbones[0].device
        self.limit = 1024
        self._stacks: dict[Parameterisation, _Stack] = {}

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The members, in the order of every tensor the batch hands out."""
        return tuple(slot for stack in self._stacks.values() for slot in stack.slots)

    def join(self, slot: Slot) -> None:
        """Take a slot in; it acts from the next step on."""
        stack = self._stacks.get(slot.parameterisation)
        state = slot.state.unsqueeze(0)
        if stack is None:
            self._stacks[slot.parameterisation] = _Stack([slot], state.clone())
        else:
            stack.state = torch.cat([stack.state, state])  # first: it refuses another size
            stack.slots.append(slot)

    def leave(self, slot: Slot) -> None:
        """Give a slot its state back and forget it."""
        stack = self._stacks[slot.parameterisation]
        row = stack.slots.index(slot)
        slot.state = stack.state[row].clone()
        del stack.slots[row]
        if not stack.slots:
            del self._stacks[slot.parameterisation]
            return
        stack.state = torch.cat([stack.state[:row], stack.state[row + 1 :]])

    def pixels(self) -> Tensor:
        """Return every slot's picture as it is now, (N, 3, S, S) in [0, 1]."""
        with torch.no_grad():
            return torch.cat([p.pixels(s.state[:, 0]) for p, s in self._stacks.items()])

    def step(self) -> Readings:
        """Advance every slot by one step, without waiting for the device.

        Raises:
            UserError: If not even one slot fits into the device's memory.
        """
        slots = self.slots
        leaves = [s.state[:, 0].detach().requires_grad_() for s in self._stacks.values()]
        pixels = torch.cat([p.pixels(leaf) for p, leaf in zip(self._stacks, leaves, strict=True)])
        shots = [self._shoot(slot) for slot in slots]
        gradient, values = self._gradient(slots, pixels.detach(), shots)
        gradients = torch.autograd.grad(pixels, leaves, gradient)
        for stack, its_gradient in zip(self._stacks.values(), gradients, strict=True):
            self._update(stack, its_gradient)
        steps = tuple(slot.step for slot in slots)
        for slot in slots:
            slot.step += 1
        return Readings(slots, steps, self._terms(slots), values, pixels.detach())

    def _update(self, stack: _Stack, gradient: Tensor) -> None:
        if any(slot.reshape is not None for slot in stack.slots):
            parts = zip(stack.slots, gradient[:, None], strict=True)
            gradient = torch.cat([s.reshape(its) if s.reshape else its for s, its in parts])
        rows = self._numbers([_coefficients(slot) for slot in stack.slots])
        update(stack.state, gradient, rows)
        for row, slot in enumerate(stack.slots):
            if slot.constraint is not None:
                parameters = stack.state[row : row + 1, 0]
                parameters.copy_(slot.constraint(parameters))

    def _shoot(self, slot: Slot) -> _Shot:
        views, level = slot.camera.views, slot.noise.at(slot.progress)
        generator, device = slot.generator, self.device
        draws = torch.rand(views, augment.DRAWS, generator=generator, device=device)
        worn = views if slot.lens is not None else 0
        lens_draws = torch.rand(worn, augment.DRAWS, generator=generator, device=device)
        sides = [backbone.input_size for backbone in self.backbones] if level > 0 else []
        noise = [
            level * torch.randn(views, 3, side, side, generator=generator, device=device)
            for side in sides
        ]
        return _Shot(draws, lens_draws, noise)

    def _gradient(
        self, slots: Sequence[Slot], pixels: Tensor, shots: Sequence[_Shot]
    ) -> tuple[Tensor, Tensor]:
        """Gradient to the pixels and figures of all slots, in as many passes as memory asks for."""
        terms = self._terms(slots)
        while True:
            try:
                parts = [slice(i, i + self.limit) for i in range(0, len(slots), self.limit)]
                passes = [self._pass(_Part(slots[p], shots[p], pixels[p]), terms) for p in parts]
                break
            except torch.OutOfMemoryError as error:
                self._halve(len(slots), error)
        gradients, values = zip(*passes, strict=True)
        return torch.cat(gradients), torch.cat(values)

    def _halve(self, count: int, error: torch.OutOfMemoryError) -> None:
        here = min(self.limit, count)
        if here == 1:
            raise UserError(
                "The device has too little memory for this picture. Choose a smaller size or "
                "backbone, or wait until other work has ended."
            ) from error
        self.limit = here // 2
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _pass(self, part: _Part, terms: Sequence[str]) -> tuple[Tensor, Tensor]:
        """One forward and one backward pass: the gradient to the pixels, and the figures."""
        pixels, owners = part.pixels.requires_grad_(), part.owners
        shares = self._numbers([[1 / part.slots[row].camera.views] for row in owners])
        figures = torch.zeros(len(part.slots), 1 + len(terms), device=self.device)
        for index in range(len(self.backbones)):
            seen = self._ask(index, part)
            found = [_probability(seen), *(TERMS[term](seen) for term in terms)]
            mine = torch.stack(found, dim=1) * shares / len(self.backbones)
            figures = figures.index_add(0, self._index(owners), mine)
        smooth = total_variation(self._changes(pixels, part.slots))
        figures = torch.cat([figures[:, :1], smooth[:, None], figures[:, 1:]], dim=1)
        weights = self._numbers([_weights(slot, terms) for slot in part.slots])
        (gradient,) = torch.autograd.grad((weights * figures[:, 1:]).sum(), pixels)
        return gradient, figures.detach()

    def _changes(self, pixels: Tensor, slots: Sequence[Slot]) -> Tensor:
        """The pixels, or where a slot has a reference what was changed about it."""
        if all(slot.reference is None for slot in slots):
            return pixels
        none = torch.zeros_like(pixels[:1])
        return pixels - torch.cat([none if s.reference is None else s.reference for s in slots])

    def _ask(self, index: int, part: _Part) -> Seen:
        """Show every slot's views to one backbone."""
        backbone, owners = self.backbones[index], part.owners
        aims = torch.stack([part.slots[row].aim for row in owners])
        seen = Seen(aims)
        watches = [part.slots[row].watch for row in owners]
        needs_statistics = any("statistics" in slot.terms for slot in part.slots)
        views = self._views(index, part)
        with (
            watching(backbone, seen, watches, with_statistics=needs_statistics),
            damping(backbone, torch.tensor([part.slots[row].branches for row in owners])),
            self._autocast(len(views)),
        ):
            seen.logits = backbone.logits(views)
        seen.logits = seen.logits.float()
        return seen

    def _whole(self, part: _Part) -> Tensor:
        """The whole picture behind each view, copied only where a slot has several."""
        owners = part.owners
        return part.pixels[self._index(owners)] if len(owners) > len(part.slots) else part.pixels

    def _views(self, index: int, part: _Part) -> Tensor:
        """What the backbone sees of every slot: its views, resampled and with noise."""
        side, owners, slots = self.backbones[index].input_size, part.owners, part.slots
        limits = [slots[row].limits for row in owners]
        draws = torch.cat([shot.draws for shot in part.shots])
        shown = augment.shown(self._whole(part), draws, limits, side)
        if any(slot.lens is not None for slot in slots):
            pieces = torch.split(shown, [slot.camera.views for slot in slots])
            shown = torch.cat(
                [
                    piece if slot.lens is None else slot.lens(piece, shot.lens_draws)
                    for piece, slot, shot in zip(pieces, slots, part.shots, strict=True)
                ]
            )
        if any(shot.noise for shot in part.shots):
            none = [shown.new_zeros(slot.camera.views, 3, side, side) for slot in slots]
            noise = [
                shot.noise[index] if shot.noise else its_none
                for shot, its_none in zip(part.shots, none, strict=True)
            ]
            shown = shown + torch.cat(noise)
        return shown

    def _autocast(self, count: int) -> AbstractContextManager[object]:
        is_bf16 = self.precision == "bf16"
        if self.precision == "auto":
            is_bf16 = optimises_in_bf16(self.device, count)
        return autocast_bf16(self.device, enabled=is_bf16)

    def _numbers(self, rows: Sequence[Sequence[float]]) -> Tensor:
        return torch.tensor(rows, dtype=torch.float32).to(self.device, non_blocking=True)

    def _index(self, rows: Sequence[int]) -> Tensor:
        return torch.tensor(rows).to(self.device, non_blocking=True)

    def _terms(self, slots: Sequence[Slot]) -> tuple[str, ...]:
        return tuple(term for term in TERMS if any(term in slot.terms for slot in slots))


def _coefficients(slot: Slot) -> tuple[float, ...]:
    """The optimiser's row for this slot's next step."""
    rate = slot.rate.at(slot.progress)
    learning_rate, decay = slot.learning_rate * rate, slot.decay * rate
    return coefficients(slot.optimiser, learning_rate, slot.step, decay)


def _weights(slot: Slot, terms: Sequence[str]) -> list[float]:
    """Weights of the total variation and of the batch's ``terms`` in this slot's loss."""
    its = [slot.terms[term].at(slot.progress) if term in slot.terms else 0.0 for term in terms]
    return [slot.tv_weight, *its]


def _probability(seen: Seen) -> Tensor:
    """Probability that it is one of the classes aimed at."""
    return (seen.logits.detach().softmax(1) * (seen.aim > 0)).sum(1)
