"""oneDNN's convolutions with weights laid out once and a clamp in the same pass.

What torch's compiler calls for this has no public name, so it is looked for; where it is gone or
behaves otherwise, ``Prepared`` calls ``plain``, the public one with a clamp after it.
"""

import logging
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from tl_core.imageopt.frozen.layers import Clamp

_LOG = logging.getLogger(__name__)


class Kernel(NamedTuple):
    """A convolution's weights, (out, in / groups, K, K), and how they are moved."""

    weight: Tensor
    bias: Tensor | None
    stride: int
    padding: int
    groups: int


class Prepared:
    """A kernel whose weights are laid out as oneDNN wants them; they are copied for it."""

    def __init__(self, kernel: Kernel, side: int) -> None:
        """Prepare for maps (N, C, side, side) of the kernel's precision."""
        self._kernel = kernel
        self._laid_out = _laid_out(kernel, side) if is_there(kernel.weight.dtype) else None

    def __call__(self, maps: Tensor, clamp: Clamp | None) -> Tensor:
        """Return the outputs for maps (N, C, H, W), a tensor of their own."""
        if self._laid_out is None:
            return plain(self._kernel, maps, clamp)
        return _fused(self._kernel, self._laid_out, maps, clamp)


def plain(kernel: Kernel, maps: Tensor, clamp: Clamp | None) -> Tensor:
    """Return the same by public functions, with the kernel's own weights."""
    weight, bias, stride, padding, groups = kernel
    output = F.conv2d(maps, weight, bias, stride, padding, 1, groups)
    return clamp.apply_(output) if clamp else output


@cache
def is_there(dtype: torch.dtype) -> bool:
    """Whether this torch, on this processor, gives the answers of the public functions by it."""
    maps = torch.linspace(-2, 2, 2 * 16 * 36).to(dtype).view(2, 16, 6, 6)
    maps = maps.contiguous(memory_format=torch.channels_last)
    weight, bias = torch.linspace(-1, 2, 16 * 9).to(dtype), torch.linspace(0, 1, 16).to(dtype)
    kernel, clamps = Kernel(weight.view(16, 1, 3, 3), bias, 2, 1, 16), (None, Clamp(), Clamp(6.0))
    theirs = [plain(kernel, maps, clamp) for clamp in clamps]
    try:
        ours = [_fused(kernel, _laid_out(kernel, 6), maps, clamp) for clamp in clamps]
    except (AttributeError, RuntimeError) as error:
        _LOG.warning("convolutions are not fused with this torch: %s", error)
        return False
    pairs = zip(ours, theirs, strict=True)
    is_same = all(torch.allclose(one, other, rtol=0.02, atol=0.1) for one, other in pairs)
    if not is_same:
        _LOG.warning("convolutions are not fused with this torch: it gives other answers")
    return is_same


def _laid_out(kernel: Kernel, side: int) -> Tensor:
    weight, _, stride, padding, groups = kernel
    shape = [1, weight.shape[1] * groups, side, side]
    size = [padding] * 2, [stride] * 2, [1, 1], groups, shape
    lay_out: Callable[..., Tensor] = torch._C._nn.mkldnn_reorder_conv2d_weight
    return lay_out(weight.to_mkldnn(), *size)


def _fused(kernel: Kernel, laid_out: Tensor, maps: Tensor, clamp: Clamp | None) -> Tensor:
    _, bias, stride, padding, groups = kernel
    after: tuple[str, list[float], str] = ("none", [], "")
    if clamp:
        after = ("relu", [], "") if clamp.top is None else ("hardtanh", [0.0, clamp.top], "")
    output: Tensor = torch.ops.mkldnn._convolution_pointwise(
        maps, laid_out, bias, [padding] * 2, [stride] * 2, [1, 1], groups, *after
    )
    return output
