"""Which part of the photograph one unit of a layer can see."""

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from functools import cache, reduce
from math import ceil, floor
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakIdKeyDictionary

from tl_core.backbones.build import without_weights
from tl_core.backbones.catalogue import BackboneRow

aten = torch.ops.aten


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """Unit ``i`` along an axis sees pixels ``first + i * stride`` to ``last + i * stride``.

    The same along both axes. Near a border the range reaches outside the picture, into padding.
    """

    stride: float  # pixels between two neighbouring units
    first: float  # pixel where unit 0 begins to see; negative inside the padding
    last: float  # last pixel that unit 0 sees

    @property
    def size(self) -> int:
        """Side of the square that one unit sees, in pixels, padding included."""
        return ceil(self.last - self.first + 1)

    def box(self, row: int, column: int, side: int) -> tuple[int, int, int, int]:
        """What unit (row, column) sees of a ``side`` x ``side`` picture.

        Returns:
            Left, top, right, bottom in pixels, right and bottom exclusive, clipped to the picture.
        """
        starts = (self.first + unit * self.stride for unit in (column, row))
        ends = (self.last + unit * self.stride + 1 for unit in (column, row))
        left, top = (max(0, floor(start)) for start in starts)
        right, bottom = (min(side, ceil(end)) for end in ends)
        return left, top, right, bottom

    def after_window(
        self, kernel: float, stride: float, padding: int, dilation: int
    ) -> "ReceptiveField":
        """The field behind a convolution or pooling over ``kernel`` units."""
        shift = padding * self.stride
        reach = dilation * (kernel - 1) * self.stride
        return ReceptiveField(self.stride * stride, self.first - shift, self.last - shift + reach)

    def union(self, other: "ReceptiveField") -> "ReceptiveField":
        """What a unit sees that adds up two branches."""
        if self.stride != other.stride:
            raise ValueError(f"cannot join strides {self.stride} and {other.stride}")
        first, last = min(self.first, other.first), max(self.last, other.last)
        return ReceptiveField(self.stride, first, last)


@cache
def receptive_fields(row: BackboneRow) -> Mapping[str, ReceptiveField]:
    """Return the receptive field of every stage of ``row``; thread-safe, needs no weights.

    The fields follow from the operations of one forward pass through the architecture laid out
    without memory (torch's ``meta`` device), so branches and asymmetric padding count as they
    are. Squeeze-and-excitation (MobileNetV3) multiplies by an average over the whole picture,
    which formally lets every unit see everything: that branch is left out, and the convolutional
    field is what is reported.

    Source:
        Araujo, Norris & Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks".
    """
    backbone, layers = without_weights(row), [stage.layer for stage in row.stages]
    picture = torch.empty(1, 3, row.input_size, row.input_size, device="meta")
    tracker = FieldTracker(picture)
    found: dict[str, ReceptiveField] = {}

    def record(index: int, _inputs: Tensor, activations: Tensor) -> None:
        field = tracker.field_of(activations)
        if field is None:
            raise ValueError(f"layer {layers[index]} sees the whole picture")
        found[layers[index]] = field

    with torch.no_grad(), tracker, backbone.hooked(layers, record):
        backbone.body(picture)
    return found


class FieldTracker(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Carries the receptive field along with every tensor that comes from ``picture``.

    Raises, while it is the mode, ``ValueError`` where branches of different strides are added.
    """

    def __init__(self, picture: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._fields: MutableMapping[Tensor, ReceptiveField] = WeakIdKeyDictionary()
        self._fields[picture] = ReceptiveField(stride=1, first=0, last=0)

    def field_of(self, tensor: Tensor) -> ReceptiveField | None:
        """The tensor's field; ``None`` for weights and for what sees the whole picture."""
        return self._fields.get(tensor)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        output = result[0] if isinstance(result, tuple | list) else result
        if isinstance(output, Tensor) and output.dim() >= 4:
            field = self._through(func.overloadpacket, args, output)
            if field is not None:
                self._fields[output] = field
        return result

    def _through(
        self, operation: Any, args: tuple[Any, ...], output: Tensor
    ) -> ReceptiveField | None:
        every = (arg for one in args for arg in (one if isinstance(one, list) else [one]))
        inputs = [arg for arg in every if isinstance(arg, Tensor) and self.field_of(arg)]
        if not inputs:
            return None
        field = reduce(ReceptiveField.union, (self._fields[tensor] for tensor in inputs))
        if operation in _WINDOWS:
            return _WINDOWS[operation](field, *args)
        keeps_size = output.shape[2:] == inputs[0].shape[2:] or output.numel() == inputs[0].numel()
        return field if keeps_size else None  # some other way to make a picture larger or smaller


def _convolution(
    field: ReceptiveField,
    _inputs: Tensor,
    weight: Tensor,
    _bias: Any,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    *_rest: Any,
) -> ReceptiveField:
    return field.after_window(weight.shape[-1], stride[-1], padding[-1], dilation[-1])


def _pooling(
    field: ReceptiveField,
    _inputs: Tensor,
    kernel: list[int],
    stride: list[int] | None = None,
    padding: list[int] | None = None,
    dilation: list[int] | None = None,
    *_rest: Any,
) -> ReceptiveField:
    step = (stride or kernel)[-1]
    return field.after_window(kernel[-1], step, (padding or [0])[-1], (dilation or [1])[-1])


def _average_pooling(
    field: ReceptiveField,
    inputs: Tensor,
    kernel: list[int],
    stride: list[int] | None = None,
    padding: list[int] | None = None,
    *_rest: Any,
) -> ReceptiveField:
    return _pooling(field, inputs, kernel, stride, padding)


def _padding(
    field: ReceptiveField, _inputs: Tensor, sides: list[int], *_rest: Any
) -> ReceptiveField:
    return field.after_window(1, 1, sides[0], 1)


def _division(
    field: ReceptiveField, inputs: Tensor, sides: list[int], *_rest: Any
) -> ReceptiveField | None:
    width = inputs.shape[-1] / sides[-1]  # what PyTorch rounds outwards, as a field's box is
    return field.after_window(width, width, 0, 1) if sides[-1] > 1 else None


_WINDOWS: dict[Any, Callable[..., ReceptiveField | None]] = {
    aten.convolution: _convolution,
    aten.max_pool2d_with_indices: _pooling,
    aten.avg_pool2d: _average_pooling,
    aten.constant_pad_nd: _padding,
    aten._adaptive_avg_pool2d: _division,  # noqa: SLF001 - what the public one becomes
    aten.mean: lambda *_arguments: None,  # sees the whole picture
}
