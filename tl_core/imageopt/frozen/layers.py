"""Layers whose weights never change, each with a backward pass to its inputs only.

Maps are (N, C, H, W), channels last, on the CPU.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor


@dataclass
class Tape:
    """What the layers of one pass share."""

    factors: Tensor | None  # on the gradient through residual branches, (N,); none: all are 1
    owns_gradient: bool = False  # whether nobody else has the gradient that a layer is given
    sums: list[tuple[Tensor, Tensor]] = field(default_factory=list)  # of each ``Measured``
    pulls: list[tuple[Tensor, Tensor]] = field(default_factory=list)  # the same


class Layer(Protocol):
    """One operation; only ``Tape.owns_gradient`` lets it change a tensor it is given."""

    def forward(self, tape: Tape, *inputs: Tensor) -> tuple[Tensor, Any]:
        """Return the output, and what ``backward`` needs of this pass."""

    def backward(self, tape: Tape, kept: Any, gradient: Tensor) -> Sequence[Tensor]:
        """Return the gradient of each input; layers are asked in reverse order."""


class Plain:
    """Any operation, by autograd."""

    def __init__(self, call: Callable[..., Tensor]) -> None:
        self._call = call

    def forward(self, _tape: Tape, *inputs: Tensor) -> tuple[Tensor, Any]:
        """Call it with autograd on."""
        leaves = [values.detach().requires_grad_() for values in inputs]
        with torch.enable_grad():
            output = self._call(*leaves)
        return output.detach(), (leaves, output)

    def backward(self, _tape: Tape, kept: Any, gradient: Tensor) -> Sequence[Tensor]:
        """Ask autograd."""
        leaves, output = kept
        found: Sequence[Tensor] = torch.autograd.grad(output, leaves, gradient)
        return found


class Add:
    """The sum of two maps of one shape, in which a residual block ends."""

    def forward(self, _tape: Tape, *inputs: Tensor) -> tuple[Tensor, Any]:
        """Add."""
        one, other = inputs
        return one + other, None

    def backward(self, _tape: Tape, _kept: Any, gradient: Tensor) -> Sequence[Tensor]:
        """The same for both."""
        return gradient, gradient


class Mean:
    """Global average pooling; by autograd, gradients of maps would have no memory of their own."""

    def forward(self, _tape: Tape, *inputs: Tensor) -> tuple[Tensor, Any]:
        """Average."""
        return inputs[0].mean((2, 3), keepdim=True), inputs[0].shape

    def backward(self, _tape: Tape, kept: Any, gradient: Tensor) -> Sequence[Tensor]:
        """Spread over all pixels."""
        maps = (gradient / (kept[2] * kept[3])).expand(kept)
        return (maps.contiguous(memory_format=torch.channels_last),)


@dataclass(frozen=True)
class Clamp:
    """ReLU, or with a ``top`` ReLU6."""

    top: float | None = None

    def forward(self, _tape: Tape, *inputs: Tensor) -> tuple[Tensor, Any]:
        """Clamp."""
        (maps,) = inputs
        output = maps.relu() if self.top is None else maps.clamp(0, self.top)
        return output, output

    def backward(self, tape: Tape, kept: Any, gradient: Tensor) -> Sequence[Tensor]:
        """Let it through where nothing was cut off."""
        return (self.gradient(kept, gradient, in_place=tape.owns_gradient),)

    def apply_(self, maps: Tensor) -> Tensor:
        """Clamp in place."""
        return maps.relu_() if self.top is None else maps.clamp_(0, self.top)

    def gradient(self, maps: Tensor, gradient: Tensor, *, in_place: bool) -> Tensor:
        """Return the gradient of the inputs; ``maps`` may be inputs or outputs."""
        aten, into = torch.ops.aten, {"grad_input": gradient} if in_place else {}
        if self.top is None:
            found = aten.threshold_backward(gradient, maps, 0, **into)
        else:
            found = aten.hardtanh_backward(gradient, maps, 0, self.top, **into)
        return gradient if in_place else found


class BranchEnd:
    """The end of a residual branch, where the gradient is multiplied by the pass's factors."""

    def forward(self, _tape: Tape, *inputs: Tensor) -> tuple[Tensor, Any]:
        """Do nothing."""
        return inputs[0], None

    def backward(self, tape: Tape, _kept: Any, gradient: Tensor) -> Sequence[Tensor]:
        """Multiply."""
        factors = _column(tape.factors, gradient)
        return (gradient if factors is None else gradient * factors,)


@dataclass
class Measured:
    """Where a folded batch norm was: sums of its inputs and of their squares are recorded, (N, C).

    A gradient g of the outputs becomes g + offset + slope x, with the offset and slope (N, C) that
    stand last in ``Tape.pulls``. ``clamp`` and ``is_branch_end`` spare passes over the maps.
    """

    is_branch_end: bool
    clamp: Clamp | None = None

    def forward(self, tape: Tape, *inputs: Tensor) -> tuple[Tensor, Any]:
        """Measure and clamp."""
        (maps,) = inputs
        tape.sums.append(sums(maps))
        return (self.clamp.forward(tape, maps)[0] if self.clamp else maps), maps

    def backward(self, tape: Tape, kept: Any, gradient: Tensor) -> Sequence[Tensor]:
        """Clamp, multiply and pull."""
        offset, slope = tape.pulls.pop()
        total = torch.addcmul(offset[..., None, None], kept, slope[..., None, None])
        if self.clamp:
            gradient = self.clamp.gradient(kept, gradient, in_place=tape.owns_gradient)
        factors = _column(tape.factors, gradient) if self.is_branch_end else None
        return (total.add_(gradient) if factors is None else total.addcmul_(gradient, factors),)


def sums(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Return sums over height and width of maps (N, C, H, W) and of squares, float32 (N, C)."""
    pixels = maps.permute(0, 2, 3, 1).flatten(1, 2)  # (N, HW, C), a view if channels last
    values = pixels.float()
    total = values.sum(1)
    squares = values.mul_(values) if values is not pixels else values * values
    return total, squares.sum(1)


def _column(factors: Tensor | None, like: Tensor) -> Tensor | None:
    return None if factors is None else factors.to(like.dtype)[:, None, None, None]
