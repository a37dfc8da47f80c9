"""Convolutions of a frozen network, each with the gradient that is fast for its shape."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from timm.layers.conv2d_same import Conv2dSame
from timm.layers.padding import get_same_padding
from torch import Tensor, nn

from tl_core.imageopt.frozen.layers import Clamp, Layer, Plain, Tape
from tl_core.imageopt.frozen.onednn import Kernel, Prepared, plain


def convolution_of(conv: nn.Conv2d, side: int) -> Layer:
    """Return the layer for a convolution whose maps have this side."""
    size, stride, groups = conv.kernel_size[0], conv.stride[0], conv.groups
    is_square = conv.kernel_size == (size, size) and conv.stride == (stride, stride)
    if not is_square or conv.dilation != (1, 1) or isinstance(conv.padding, str):
        return Plain(conv)
    is_same = isinstance(conv, Conv2dSame)
    padded = get_same_padding(side, size, stride, 1) if is_same else 2 * conv.padding[0]
    if groups == 1 and size == stride == 1 and padded == 0:
        return Pointwise(conv, side, padded)
    if groups == conv.in_channels == conv.out_channels > 1 and size % 2:
        return Depthwise(conv, side, padded)
    if groups == 1 and stride > 1 and side % stride == 0 and conv.in_channels <= 4:
        return Stem(conv, side, padded)
    return Convolution(conv, side, padded)


class Convolution:
    """A convolution with square kernels, and perhaps a clamp behind it.

    Maps are padded by ``padded`` pixels of zeros, half of them in front. If a row more is padded
    behind, as TensorFlow does, the kernel gets a row of zeros in front instead: padding alike on
    all sides needs no copy of the maps.
    """

    is_prepared = False  # in float32, where most weights are kept once only

    def __init__(self, conv: nn.Conv2d, side: int, padded: int) -> None:
        self.clamp: Clamp | None = None
        weight, padding = conv.weight.detach(), padded // 2
        if padded % 2:
            weight, padding = _last(F.pad(weight, (1, 0, 1, 0))), padding + 1
        self.kernel = Kernel(weight, conv.bias, conv.stride[0], padding, conv.groups)
        is_prepared = self.is_prepared or weight.dtype == torch.bfloat16
        self._prepared = Prepared(self.kernel, side) if is_prepared else None

    def forward(self, _tape: Tape, *inputs: Tensor) -> tuple[Tensor, Any]:
        """Convolve and clamp."""
        (maps,) = inputs
        output = self.convolved(maps)
        return output, (self.kept(maps), output if self.clamp else None)

    def backward(self, tape: Tape, kept: Any, gradient: Tensor) -> Sequence[Tensor]:
        """As ``transposed`` says."""
        before, output = kept
        if self.clamp:
            gradient = self.clamp.gradient(output, gradient, in_place=tape.owns_gradient)
        return (self.transposed(gradient, before),)

    def convolved(self, maps: Tensor) -> Tensor:
        """Return the clamped outputs."""
        if self._prepared:
            return self._prepared(maps, self.clamp)
        return plain(self.kernel, maps, self.clamp)

    def kept(self, maps: Tensor) -> Any:
        """What ``transposed`` needs of the inputs."""
        return maps

    def transposed(self, gradient: Tensor, kept: Any) -> Tensor:
        """Return the gradient of the inputs, a tensor of their own."""
        weight, _, stride, padding, groups = self.kernel
        size = [stride] * 2, [padding] * 2, [1, 1]
        found: Tensor = torch.ops.aten.convolution_backward(
            gradient, kept, weight, None, *size, False, [0, 0], groups, [True, False, False]
        )[0]
        return found


class Pointwise(Convolution):
    """Of one pixel: its gradient is a matrix product; in float32 it is what the backbone has."""

    def __init__(self, conv: nn.Conv2d, side: int, padded: int) -> None:
        super().__init__(conv, side, padded)
        self._conv, self._matrix = conv, self.kernel.weight[:, :, 0, 0]

    def convolved(self, maps: Tensor) -> Tensor:
        """Return the clamped outputs."""
        if maps.dtype != torch.float32:
            return super().convolved(maps)
        output: Tensor = self._conv(maps)
        return self.clamp.apply_(output) if self.clamp else output

    def kept(self, maps: Tensor) -> None:
        """Nothing."""

    def transposed(self, gradient: Tensor, kept: Any) -> Tensor:
        """Return the gradient of the inputs."""
        return (gradient.permute(0, 2, 3, 1) @ self._matrix).permute(0, 3, 1, 2)


class Depthwise(Convolution):
    """Of each channel by itself: its gradient is such a convolution too, of the flipped kernel.

    Where pixels are skipped, the gradient first gets zeros in their places. oneDNN's own gradient
    of that takes thirty times as long in bfloat16; in float32 it is the faster one.
    """

    is_prepared = True

    def __init__(self, conv: nn.Conv2d, side: int, padded: int) -> None:
        super().__init__(conv, side, padded)
        half = conv.kernel_size[0] // 2
        flipped = _last(conv.weight.detach().flip(2, 3))
        self._back = Prepared(Kernel(flipped, None, 1, half, conv.groups), side)
        self._first = half - padded // 2  # the first pixel that is not skipped

    def kept(self, maps: Tensor) -> Any:
        """The inputs where oneDNN asks for them, else their shape."""
        is_asked = self.kernel.stride > 1 and maps.dtype == torch.float32
        return maps if is_asked else maps.shape

    def transposed(self, gradient: Tensor, kept: Any) -> Tensor:
        """Return the gradient of the inputs."""
        if isinstance(kept, Tensor):
            return super().transposed(gradient, kept)
        if gradient.shape != kept:
            spread = gradient.new_zeros(kept[0], *kept[2:], kept[1]).permute(0, 3, 1, 2)
            rows, columns = gradient.shape[2:]
            every = slice(self._first, None, self.kernel.stride)
            spread[:, :, every, every][:, :, :rows, :columns] = gradient
            gradient = spread
        return self._back(gradient, None)


class Stem(Convolution):
    """A network's first, that skips pixels; its gradient in one convolution of the small maps.

    Pixels that lie alike between those kept have the same taps of the kernel: for each such phase
    the small maps are convolved with its taps, and the phases are shuffled into one another.

    Source:
        Shi et al. 2016, arXiv:1609.05158 and arXiv:1609.07009 (the same, to enlarge pictures).
    """

    def __init__(self, conv: nn.Conv2d, side: int, padded: int) -> None:
        super().__init__(conv, side, padded)
        weight, stride, lead = conv.weight.detach(), self.kernel.stride, padded // 2
        taps = {  # by phase and place in the small maps
            (phase, (phase + lead - tap) // stride): tap
            for phase in range(stride)
            for tap in range(conv.kernel_size[0])
            if (phase + lead - tap) % stride == 0
        }
        first, last = (limit(place for _, place in taps) for limit in (min, max))
        size = [last - first + 1] * 2
        back = weight.new_zeros(weight.shape[1], stride, stride, len(weight), *size)
        for (down, row), tap in taps.items():
            for (across, column), other in taps.items():
                part = weight[:, :, tap, other].t()
                back[:, down, across, :, row - first, column - first] = part
        margin = max(-first, last)
        self._back = Kernel(_last(back.flatten(0, 2)), None, 1, margin, 1)
        self._skipped = margin + first

    def kept(self, maps: Tensor) -> None:
        """Nothing."""

    def transposed(self, gradient: Tensor, kept: Any) -> Tensor:
        """Return the gradient of the inputs."""
        phases = plain(self._back, gradient, None)
        inside = slice(self._skipped, self._skipped + gradient.shape[-1])
        return F.pixel_shuffle(phases[:, :, inside, inside], self.kernel.stride)


def _last(kernels: Tensor) -> Tensor:
    return kernels.contiguous(memory_format=torch.channels_last)
