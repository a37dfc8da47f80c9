"""A GPU that computes nothing: on any machine it shows devices, shapes, copies and readings."""

import copy
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode, unset_fake_temporarily
from torch.autograd.graph import get_gradient_edge
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tl_core.backbones.backbone import Backbone
from tl_core.imageopt.randomness import noise_tile
from tl_core.machine.device import constant
from tl_core.training.trainable import TrainableModel

T = TypeVar("T", Backbone, TrainableModel)
CUDA = torch.device("cuda")
_COPIES = (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)


@contextmanager
def fake_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let ``cuda`` be a device inside; it raises at mixed devices and where a value is read."""
    monkeypatch.setattr("torch.cuda.amp.common.amp_definitely_not_available", lambda: False)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda: True)
    monkeypatch.setattr(Tensor, "pin_memory", lambda tensor: tensor)
    Engine(monkeypatch)
    try:
        with FakeTensorMode(allow_non_fake_inputs=True):
            yield
    finally:  # what is kept for good may hold tensors of this device
        constant.cache_clear()
        noise_tile.cache_clear()


class Engine:
    """Walks autograd's graph on this thread: torch's own engine asks the driver for its streams."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._hooks: dict[tuple[Any, int], list[Callable[[Tensor], Tensor]]] = {}
        monkeypatch.setattr("torch.autograd._engine_run_backward", self._run)
        monkeypatch.setattr(Tensor, "register_hook", lambda tensor, hook: self._hook(tensor, hook))

    def _hook(self, tensor: Tensor, hook: Callable[[Tensor], Tensor]) -> None:
        self._hooks.setdefault(_edge(tensor), []).append(hook)

    @torch.no_grad()
    def _run(
        self,
        outputs: Sequence[Tensor],
        gradients: Sequence[Tensor],
        _keeps_graph: bool,
        _creates_graph: bool,
        inputs: Sequence[Tensor],
        *_allowed: bool,
        **options: bool,
    ) -> tuple[Tensor | None, ...]:
        roots = [_edge(output) for output in outputs]
        found = dict(zip(roots, gradients, strict=True))
        for node in _in_order([node for node, _ in roots]):
            edges = [(node, number) for number in range(len(node._input_metadata))]
            for edge in edges:
                for hook in self._hooks.get(edge, ()):
                    found[edge] = hook(found[edge])
            mine = [found.get(edge) for edge in edges]
            if node.name().endswith("AccumulateGrad"):
                if options.get("accumulate_grad"):
                    node.variable.grad = mine[0]
                continue
            given = node.apply(*mine) if hasattr(node, "apply") else node(*mine)
            given = given if isinstance(given, tuple) else (given,)
            for edge, gradient in zip(node.next_functions, given, strict=True):
                if edge[0] is not None and gradient is not None:
                    wish = edge[0]._input_metadata[edge[1]]
                    gradient = gradient.sum_to_size(wish.shape).to(wish.dtype)
                    before = found.get(edge)
                    found[edge] = gradient if before is None else before + gradient
        return tuple(found.get(_edge(one)) for one in inputs)


def _edge(tensor: Tensor) -> tuple[Any, int]:
    """Where in the graph the tensor's gradient arrives."""
    edge = get_gradient_edge(tensor)
    return edge.node, edge.output_nr


def _in_order(roots: Sequence[Any]) -> list[Any]:
    """The nodes behind these, each after all that pass gradients to it."""
    waits: Counter[Any] = Counter()
    open_, seen = list(roots), set(roots)
    while open_:
        for node, _ in open_.pop().next_functions:
            if node is not None:
                waits[node] += 1
                if node not in seen:
                    seen.add(node)
                    open_.append(node)
    order, ready = [], [node for node in dict.fromkeys(roots) if not waits[node]]
    while ready:
        order.append(ready.pop())
        for node, _ in order[-1].next_functions:
            if node is not None:
                waits[node] -= 1
                if not waits[node]:
                    ready.append(node)
    return order


class Traffic(TorchDispatchMode):
    """Notes how many numbers each copy took to the device, and how many from it."""

    def __init__(self) -> None:
        super().__init__()
        self.there: list[int] = []
        self.back: list[int] = []

    def __torch_dispatch__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call through, and look at copies."""
        result = func(*args, **(kwargs or {}))
        if func in _COPIES:
            source = args[1] if func is _COPIES[1] else args[0]
            if source.device.type != result.device.type:
                notes = self.there if result.device.type == "cuda" else self.back
                notes.append(source.numel())
        return result


def on_gpu(make: Callable[[], T]) -> T:
    """What ``make`` returns (a network, a model in training), on the device of ``fake_gpu``."""
    with unset_fake_temporarily():  # made where answers can be compared
        made = make()
        tensors = _tensors(made)
    there = {id(tensor): _moved(tensor) for tensor in tensors}
    copied = copy.deepcopy(made, there)
    folded = _backbone(copied).folded
    for one in (_backbone(copied), folded, folded.in_bf16):
        object.__setattr__(one, "device", CUDA)
    return copied


def _backbone(made: Backbone | TrainableModel) -> Backbone:
    return made if isinstance(made, Backbone) else made.start


def _tensors(made: Backbone | TrainableModel) -> list[Tensor]:
    backbone = _backbone(made)
    networks = (backbone, backbone.folded, backbone.folded.in_bf16, made)
    modules = [module for one in networks for module in (one.body, one.head)]
    return [tensor for one in modules for tensor in (*one.parameters(), *one.buffers())]


def _moved(tensor: Tensor) -> Tensor:
    moved = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=CUDA)
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(moved, requires_grad=tensor.requires_grad)
    return moved


def devices(tree: Any) -> set[str]:
    """The kinds of devices that all tensors of nested containers are on."""
    return {leaf.device.type for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)}
