"""What a frozen network says of pictures, as one function for autograd."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from tl_core.backbones.backbone import Backbone
from tl_core.imageopt.branches import branch_ends
from tl_core.imageopt.frozen.layers import Tape
from tl_core.imageopt.frozen.program import Program
from tl_core.imageopt.statistics import LARGEST_MAPS, UsualStatistics
from tl_core.machine.device import is_out_of_memory

_LOG = logging.getLogger(__name__)
_TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.1}  # of the largest value of an embedding
_Pulls: TypeAlias = tuple[Tensor, Tensor]  # offsets and slopes of ``Measured``, (N, channels)


@dataclass(frozen=True)
class FrozenBody:
    """A body's program, and what its statistics are measured against."""

    program: Program
    dtype: torch.dtype
    usual: UsualStatistics | None  # none: no layer is measured
    areas: Tensor  # pixels of a map, for each channel in ``usual``

    def gap(self, sums: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, _Pulls | None]:
        """Return the distance of statistics (N,), and how its gradient pulls on the maps."""
        if self.usual is None:
            return torch.zeros(()), None
        total, squares = (torch.cat(parts, dim=1) for parts in zip(*sums, strict=True))
        mean = total / self.areas
        variance = squares / self.areas - mean.square()
        mean.requires_grad_(), variance.requires_grad_()
        with torch.enable_grad():
            gap = self.usual.gap(mean, variance)
            to_mean, to_variance = torch.autograd.grad(gap.sum(), (mean, variance))
        # d mean / dx = 1 / area and d variance / dx = 2 (x - mean) / area
        slopes = 2 * to_variance / self.areas
        return gap.detach(), (to_mean / self.areas - slopes * mean.detach(), slopes)

    def pulls(self, of_gap: _Pulls, to_gap: Tensor) -> list[_Pulls]:
        """Return the pulls on each measured layer's maps, given the gradient of the distance."""
        if self.usual is None:
            return []
        rows = ((to_gap[:, None] * part).to(self.dtype) for part in of_gap)
        parts = (torch.split(row, list(self.usual.widths), dim=1) for row in rows)
        return list(zip(*parts, strict=True))


_BODIES: WeakKeyDictionary[nn.Module, dict[bool, FrozenBody | None]] = WeakKeyDictionary()


def frozen_body(backbone: Backbone, *, with_statistics: bool) -> FrozenBody | None:
    """Return the fast way through a folded network on a CPU; none if there is none.

    Made at the first call for a body and kept as long as the body is. Its answers on one picture
    are compared with the body's own. Not thread-safe.
    """
    kept = _BODIES.setdefault(backbone.body, {})
    if with_statistics not in kept:
        try:
            kept[with_statistics] = _made(backbone, with_statistics=with_statistics)
        except Exception as error:  # tracing runs the network's own code, which may do anything
            if is_out_of_memory(error):
                raise
            level = logging.INFO if backbone.row.build else logging.WARNING  # any module has none
            _LOG.log(level, "%s has no fast way", backbone.row.key, exc_info=True)
            kept[with_statistics] = None
    return kept[with_statistics]


@torch.no_grad()
def _made(backbone: Backbone, *, with_statistics: bool) -> FrozenBody | None:
    body = backbone.body
    if backbone.device.type != "cpu" or any(isinstance(m, nn.BatchNorm2d) for m in body.modules()):
        return None
    dtype = next((weight.dtype for weight in body.parameters()), None)
    if dtype is None:  # raw pixels
        return None
    side = backbone.input_size
    pixels = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    inputs = backbone.normalise(pixels).to(dtype)
    largest = LARGEST_MAPS if with_statistics else 0
    program = Program(body, inputs, set(branch_ends(body)), largest)
    ours, theirs = program.forward(Tape(None), inputs)[0].float(), body(inputs).float()
    if not (ours - theirs).abs().max() <= _TOLERANCE[dtype] * theirs.abs().max():
        _LOG.warning("the fast way changed the answers of %s", backbone.row.key)
        return None
    if not program.measured:
        return FrozenBody(program, dtype, None, torch.empty(0))
    norms, areas = zip(*program.measured, strict=True)
    usual = UsualStatistics.of(norms)
    return FrozenBody(program, dtype, usual, torch.tensor(areas)[usual.layers])


class _Frozen(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, pixels: Tensor, backbone: Backbone, frozen: FrozenBody, factors: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Return embeddings (N, D) and the statistics' distance (N,), both float32."""
        ctx.tape = tape = Tape(factors)
        inputs = backbone.normalise(pixels).to(frozen.dtype)
        embedding, ctx.kept = frozen.program.forward(tape, inputs)
        gap, ctx.of_gap = frozen.gap(tape.sums)
        ctx.frozen, ctx.std = frozen, backbone.row.std
        return embedding.float(), gap.expand(len(pixels))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        """Return the gradient of the pixels."""
        to_embedding, to_gap = gradients
        frozen: FrozenBody = ctx.frozen
        ctx.tape.pulls = frozen.pulls(ctx.of_gap, to_gap)
        found = frozen.program.backward(ctx.tape, ctx.kept, to_embedding.to(frozen.dtype))
        std = found.new_tensor(ctx.std, dtype=torch.float32)
        return found.float().contiguous() / std[:, None, None], None, None, None


def answers(
    backbone: Backbone, frozen: FrozenBody, pixels: Tensor, factors: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return what a folded network says, with gradients to the pixels alone.

    Args:
        backbone: The network; only its body is computed as precisely as ``frozen`` is.
        frozen: Its body.
        pixels: Pictures (N, 3, S, S) in [0, 1].
        factors: On the gradient through residual branches, (N,); none: all are 1.

    Returns:
        Logits (N, classes) and the distance of statistics (N,), 0 where none is measured; float32.
    """
    embedding, gap = _Frozen.apply(pixels, backbone, frozen, factors)
    return backbone.head(embedding), gap


@torch.no_grad()
def quick_logits(backbone: Backbone, pixels: Tensor, *, is_bf16: bool) -> Tensor:
    """Return what a folded network says of pictures (N, 3, S, S) on their way, (N, classes).

    Only as precise as the steps are; what is kept of a picture is computed in float32.
    """
    as_precise = backbone.in_bf16 if is_bf16 else backbone
    frozen = frozen_body(as_precise, with_statistics=False)
    if frozen is None:
        return backbone.logits(pixels)
    return answers(backbone, frozen, pixels, None)[0]
