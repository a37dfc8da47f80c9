"""A frozen body as a list of layers, read from the calls it makes."""

import operator
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from tl_core.backbones.folding import FoldedNorm, Strided
from tl_core.imageopt.frozen.convolutions import Convolution, convolution_of
from tl_core.imageopt.frozen.layers import Add, BranchEnd, Clamp, Layer, Mean, Measured, Plain, Tape


@dataclass(frozen=True)
class _Call:
    """A layer with the names of its inputs and its output."""

    layer: Layer
    inputs: tuple[str, ...]
    output: str


class Program:
    """The layers of a body, one after the other.

    ``measured`` are the folded norms whose moments it records, in order, with the pixels of one of
    their maps.
    """

    def __init__(self, body: nn.Module, inputs: Tensor, ends: Set[nn.Module], largest: int) -> None:
        """Read the body's calls on one picture (1, 3, S, S).

        Args:
            body: A folded body.
            inputs: What it is called with, normalised.
            ends: The last layers of its residual branches.
            largest: Values of one picture's maps up to which its folded norms are measured; with 0
                none is.
        """
        reader = _Reader(body, inputs, ends, largest)
        self.measured = tuple(reader.measured)
        self._start, self._end = reader.start, reader.end
        self._calls = _with_clamps_merged(reader.calls, reader.end)
        last = {name: index for index, call in enumerate(self._calls) for name in call.inputs}
        self._spent = [
            [name for name in dict.fromkeys(call.inputs) if last[name] == index]
            for index, call in enumerate(self._calls)
        ]

    def forward(self, tape: Tape, maps: Tensor) -> tuple[Tensor, list[Any]]:
        """Return the embedding, and what ``backward`` needs of this pass."""
        values, kept = {self._start: maps}, []
        for call, spent in zip(self._calls, self._spent, strict=True):
            inputs = [values[name] for name in call.inputs]
            values[call.output], needed = call.layer.forward(tape, *inputs)
            kept.append(needed)
            for name in spent:
                del values[name]
        return values[self._end], kept

    def backward(self, tape: Tape, kept: list[Any], gradient: Tensor) -> Tensor:
        """Return the gradient of the inputs; empties ``kept``, so that memory is free early."""
        gradients, own = {self._end: gradient}, set[str]()
        for call in reversed(self._calls):
            tape.owns_gradient = call.output in own
            found = call.layer.backward(tape, kept.pop(), gradients.pop(call.output))
            for name, one in zip(call.inputs, found, strict=True):
                if name in gradients:
                    one = gradients[name] + one
                    own.add(name)
                elif isinstance(call.layer, Convolution):
                    own.add(name)
                gradients[name] = one
        return gradients[self._start]


class _Tracer(fx.Tracer):
    """Reads the calls of its own thread.

    While it reads, the calls and parameters of every module of the process come here: what other
    threads ask for meanwhile is theirs.
    """

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def call_module(self, m: nn.Module, forward: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Note a call."""
        if threading.get_ident() != self._thread:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, fx.Proxy]) -> Any:
        """Note where a parameter is asked for."""
        if threading.get_ident() != self._thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        """Whether a module is one call."""
        known = isinstance(module, FoldedNorm | Strided | nn.Conv2d)
        return known or bool(super().is_leaf_module(module, name))


class _Reader:
    """Makes a layer of each call; ``start`` and ``end`` name the inputs and the embedding."""

    def __init__(self, body: nn.Module, inputs: Tensor, ends: Set[nn.Module], largest: int) -> None:
        self._ends, self._largest = ends, largest
        self._graph = fx.GraphModule(body, _Tracer().trace(body))
        ShapeProp(self._graph).propagate(inputs)
        self._same: dict[str, str] = {}  # outputs that are another's
        self.measured: list[tuple[FoldedNorm, int]] = []
        self.calls: list[_Call] = []
        self.start = self.end = ""
        for node in self._graph.graph.nodes:
            self._read(node)

    def _read(self, node: fx.Node) -> None:
        inputs = tuple(self._same.get(one.name, one.name) for one in node.all_input_nodes)
        if node.op == "placeholder":
            self.start = node.name
        elif node.op == "output":
            (self.end,) = inputs
        else:
            output = inputs[0]
            for index, layer in enumerate(self._layers(node)):
                inputs = (output,) if index else inputs
                output = f"{node.name}:{index}"
                self.calls.append(_Call(layer, inputs, output))
            self._same[node.name] = output

    def _layers(self, node: fx.Node) -> Iterator[Layer]:
        """The layers of a call, one after the other; none if it does nothing."""
        if node.op != "call_module":
            shapes = [_shape(one) for one in node.args if isinstance(one, fx.Node)]
            is_sum = node.target in (operator.add, operator.iadd) and len(shapes) == 2
            yield Add() if is_sum and shapes[0] == shapes[1] else Plain(_call(node))
            return
        module = self._graph.get_submodule(str(node.target))
        if isinstance(module, FoldedNorm):
            yield from self._norm(module, node)
        else:
            yield from _module_layers(module, node)

    def _norm(self, norm: FoldedNorm, node: fx.Node) -> Iterator[Layer]:
        is_end = norm in self._ends
        shape = _shape(node)
        if shape.numel() <= self._largest:
            self.measured.append((norm, shape[2] * shape[3]))
            yield Measured(is_branch_end=is_end)
        elif is_end:
            yield BranchEnd()
        yield from _module_layers(norm.rest, node)


def _module_layers(module: nn.Module, node: fx.Node) -> Iterator[Layer]:
    module = module.conv if isinstance(module, Strided) else module
    if isinstance(module, nn.Conv2d):
        yield convolution_of(module, _shape(node.all_input_nodes[0])[-1])
    elif isinstance(module, nn.ReLU | nn.ReLU6):
        yield Clamp(6.0 if isinstance(module, nn.ReLU6) else None)
    elif isinstance(module, nn.AdaptiveAvgPool2d) and module.output_size in (1, (1, 1)):
        yield Mean()
    elif not isinstance(module, nn.Identity | nn.Dropout):
        yield Plain(module)


def _call(node: fx.Node) -> Any:
    """A function or method as a function of the values that its node takes."""

    def call(*values: Tensor) -> Any:
        found = dict(zip(node.all_input_nodes, values, strict=True))
        args, kwargs = fx.node.map_arg((node.args, node.kwargs), found.__getitem__)
        if node.op == "call_method":
            return getattr(args[0], str(node.target))(*args[1:], **kwargs)
        return node.target(*args, **kwargs)  # type: ignore[operator]

    return call


def _with_clamps_merged(calls: Sequence[_Call], end: str) -> list[_Call]:
    """Let the layer before a clamp do it too, where nobody else wants that layer's output."""
    uses = Counter([name for call in calls for name in call.inputs] + [end])
    merged: dict[str, _Call] = {}  # by output
    for call in calls:
        before = merged.get(call.inputs[0])
        if before and isinstance(call.layer, Clamp) and uses[before.output] == 1:
            layer = before.layer
            if isinstance(layer, Convolution | Measured) and layer.clamp is None:
                layer.clamp = call.layer
                del merged[before.output]
                call = _Call(layer, before.inputs, call.output)
        merged[call.output] = call
    return list(merged.values())


def _shape(node: fx.Node) -> torch.Size:
    shape: torch.Size = node.meta["tensor_meta"].shape
    return shape
