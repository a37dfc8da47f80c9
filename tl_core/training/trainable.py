"""The network that learns: what of it is frozen, what trains, and what it becomes."""

import copy
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor, nn

from tl_core.backbones.backbone import Backbone, freeze
from tl_core.specs import FineTune

Unfrozen = Literal["head", "last block", "all"]


class Student:
    """A backbone with a new head for ``classes``; only the worker may call it.

    Frozen tensors are the backbone's own, not copies. ``tail`` is the part of the body that
    trains: nothing, the last block, or all of it; ``stem`` gives what the tail takes. Everything
    stays in evaluation mode, except batch-norm layers that train.

    Args:
        start: What the network knows before.
        classes: The new head's classes.
        unfrozen: Which part of the network trains beside the head.
        trains_batch_norm: Whether unfrozen batch-norm layers learn and measure statistics; if
            not, their weights and statistics stay as they are.
        seed: Of the new head's weights.
    """

    def __init__(
        self,
        start: Backbone,
        classes: tuple[str, ...],
        *,
        unfrozen: Unfrozen,
        trains_batch_norm: bool,
        seed: int,
    ) -> None:
        self.start = start
        self.classes = classes
        self.unfrozen = unfrozen
        self.cut = last_block(start) if unfrozen == "last block" else None
        # Zeros are the fairest start of a head alone; through them nothing would reach a body
        head_seed = None if unfrozen == "head" else seed
        self.head = new_head(start.embedding_size, len(classes), head_seed).to(start.device)
        self.body = start.body
        self.tail: nn.Module = nn.Identity()
        self._learning: set[int] = set()  # ids of the tensors that may change
        if unfrozen != "head":
            self._unfreeze(trains_batch_norm)
        self.measures_batches = any(norm.training for norm in _norms(self.tail))

    def _unfreeze(self, trains_batch_norm: bool) -> None:
        """Copy what may change, share the rest."""
        part = after(self.start.body, self.cut) if self.cut else self.start.body
        fixed = set() if trains_batch_norm else {id(t) for m in _norms(part) for t in _tensors(m)}
        changing = {id(tensor) for tensor in _tensors(part)} - fixed
        kept = {id(t): t for t in _tensors(self.start.body) if id(t) not in changing}
        self.body = copy.deepcopy(self.start.body, dict(kept))
        self.tail = after(self.body, self.cut) if self.cut else self.body
        self._learning = {id(t) for t in _tensors(self.tail)} - kept.keys()
        for parameter in self.tail.parameters():
            parameter.requires_grad_(id(parameter) in self._learning)
        for norm in _norms(self.tail) if trains_batch_norm else ():
            norm.train()

    def stem(self, inputs: Tensor) -> Tensor:
        """Turn normalised inputs (N, 3, S, S) into what the tail takes.

        These are the inputs themselves, the activations before the last block, or the embedding.
        """
        if self.cut:
            return activations_before(self.start.body, self.cut, inputs)
        if self.tail is self.body:
            return inputs
        embedding: Tensor = self.start.body(inputs)
        return embedding

    def logits(
        self, taken: Tensor, *, dropout: float = 0.0, generator: torch.Generator | None = None
    ) -> Tensor:
        """Class scores (N, C) of what ``stem`` gave; with dropout on the embedding if asked."""
        embedding: Tensor = self.tail(taken)
        if dropout:
            kept = torch.rand(embedding.shape, generator=generator).to(embedding.device) >= dropout
            embedding = embedding * kept / (1 - dropout)
        scores: Tensor = self.head(embedding)
        return scores

    def parameters(self) -> list[nn.Parameter]:
        """What training changes."""
        return [*self.head.parameters(), *(p for p in self.tail.parameters() if p.requires_grad)]

    @property
    def trainable_parameters(self) -> int:
        """How many numbers training changes."""
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def total_parameters(self) -> int:
        """How many weights there are in all."""
        modules = (self.body, self.head)
        return sum(p.numel() for module in modules for p in module.parameters())

    @property
    def size_bytes(self) -> int:
        """Memory of what is not shared with the backbone."""
        changing = (tensor for tensor in _tensors(self.body) if id(tensor) in self._learning)
        return sum(t.nbytes for t in (*changing, *self.head.parameters()))

    def state(self) -> list[Tensor]:
        """Copies of everything that training changes."""
        return [tensor.detach().clone() for tensor in self._changing()]

    def restore(self, state: list[Tensor]) -> None:
        """Take back what ``state`` returned."""
        with torch.no_grad():
            for tensor, value in zip(self._changing(), state, strict=True):
                tensor.copy_(value)

    def finished(self, key: str, label: str, taught: FineTune) -> Backbone:
        """The learned network, frozen; nothing may train it after this."""
        for parameter in self.parameters():
            parameter.grad = None
        return replace(
            self.start,
            key=key,
            label=label,
            body=freeze(self.body),
            head=freeze(self.head),
            classes=self.classes,
            taught=taught.without_photos(),
        )

    def _changing(self) -> Iterator[Tensor]:
        yield from self.head.parameters()
        yield from (tensor for tensor in _tensors(self.body) if id(tensor) in self._learning)


def new_head(inputs: int, classes: int, seed: int | None) -> nn.Linear:
    """Return a linear layer of zeros, or with PyTorch's own initial spread drawn by ``seed``."""
    head = nn.Linear(inputs, classes, device="meta").to_empty(device="cpu")
    with torch.no_grad():
        head.bias.zero_()
        if seed is None:
            head.weight.zero_()
        else:
            generator, reach = torch.Generator().manual_seed(seed), 1 / math.sqrt(inputs)
            head.weight.uniform_(-reach, reach, generator=generator)
    return head


def last_block(backbone: Backbone) -> str:
    """Name of the layer with which the backbone's last stage begins."""
    last = backbone.row.stages[-1].words
    return next(stage.layer for stage in backbone.row.stages if stage.words == last)


def after(body: nn.Module, cut: str) -> nn.Module:
    """Return the part of ``body`` from layer ``cut`` on, with the same tensors.

    Every layer that is registered before it becomes an identity, which works because these
    networks register their layers in the order in which they call them.
    """
    shared = {id(tensor): tensor for tensor in _tensors(body)}
    tail = copy.deepcopy(body, dict(shared))
    place = tail
    for name in cut.split("."):
        for earlier, _ in list(place.named_children()):
            if earlier == name:
                break
            place.set_submodule(earlier, nn.Identity())
        place = place.get_submodule(name)
    return tail


class _Reached(Exception):
    """Carries what a layer was about to take."""

    def __init__(self, activations: Tensor) -> None:
        self.activations = activations


def activations_before(body: nn.Module, cut: str, inputs: Tensor) -> Tensor:
    """Return what layer ``cut`` takes; nothing after it is computed."""

    def stop(_module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        raise _Reached(arguments[0])

    handle = body.get_submodule(cut).register_forward_pre_hook(stop)
    try:
        body(inputs)
    except _Reached as reached:
        return reached.activations
    finally:
        handle.remove()
    raise ValueError(f"the network never reaches {cut}")


def _norms(module: nn.Module) -> list[nn.BatchNorm2d]:
    return [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)]


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    yield from module.parameters()
    yield from module.buffers()
