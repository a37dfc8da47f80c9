"""A loaded network, cut where every transfer-learning lesson cuts it: body and head."""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor, nn

from tl_core.backbones.catalogue import BackboneRow
from tl_core.backbones.folding import fold
from tl_core.specs import FineTune


@dataclass(frozen=True, eq=False)
class Backbone:
    """A network in ``eval`` mode with frozen weights; only the worker may call it.

    ``body`` ends in the embedding (its last linear layer is replaced by an identity) and ``head``
    is that linear layer. Pixels are (N, 3, S, S) in [0, 1] with S = ``row.input_size``;
    normalisation happens inside. All calls are differentiable with respect to the pixels.
    Not thread-safe.
    """

    key: str  # the catalogue's key, or own:<id>
    label: str
    row: BackboneRow
    body: nn.Module
    head: nn.Module
    classes: tuple[str, ...]
    device: torch.device
    trained_with: FineTune | None = None  # of a visitor's model; without the photographs

    @property
    def input_size(self) -> int:
        """Side S of the square pictures the network was trained on, in pixels."""
        return self.row.input_size

    @property
    def embedding_size(self) -> int:
        """Length D of the embedding."""
        return next(m.in_features for m in self.head.modules() if isinstance(m, nn.Linear))

    def normalise(self, pixels: Tensor) -> Tensor:
        """Return the network's inputs: pixels (N, 3, H, W) minus mean, over std, channels last."""
        mean, std = (
            torch.tensor(values, dtype=pixels.dtype)
            .to(pixels.device, non_blocking=True)  # a GPU would be waited for at each step
            .view(1, 3, 1, 1)
            for values in (self.row.mean, self.row.std)
        )
        return ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)

    def embed(self, pixels: Tensor) -> Tensor:
        """Return the embeddings of ``pixels``, shape (N, D)."""
        embedding: Tensor = self.body(self.normalise(pixels))
        return embedding

    def logits(self, pixels: Tensor) -> Tensor:
        """Return the class scores of ``pixels``, shape (N, len(classes))."""
        scores: Tensor = self.head(self.embed(pixels))
        return scores

    def layer(self, name: str) -> nn.Module:
        """Return the body's submodule ``name``.

        Raises:
            AttributeError: If there is no such layer.
        """
        return self.body.get_submodule(name)

    def batch_norms(self) -> list[nn.BatchNorm2d]:
        """Return the batch-norm layers in the order of the forward pass; VGG has none."""
        return [module for module in self.body.modules() if isinstance(module, nn.BatchNorm2d)]

    @cached_property
    def folded(self) -> "Backbone":
        """The same network, sooner: batch norm inside the convolutions; made at first use.

        Layers keep their names; where a batch-norm layer was, a ``FoldedNorm`` is.
        """
        generator = torch.Generator().manual_seed(0)
        pixels = torch.rand(1, 3, self.input_size, self.input_size, generator=generator)
        return replace(self, body=fold(self.body, self.normalise(pixels.to(self.device))))

    @contextmanager
    def watching(
        self, layers: Sequence[str | nn.Module], see: Callable[[int, Tensor, Tensor], None]
    ) -> Iterator[None]:
        """Call ``see(i, inputs, activations)`` whenever ``layers[i]`` runs; unhook in any case.

        What ``see`` gets is the live tensor: clone it where a later in-place activation matters.
        """
        handles = []
        try:
            for index, layer in enumerate(layers):
                module = self.layer(layer) if isinstance(layer, str) else layer
                handles.append(module.register_forward_hook(_forwarding(index, see)))
            yield
        finally:
            for handle in handles:
                handle.remove()

    def trainable_copy(self) -> nn.Module:
        """Return a deep copy of the body that shares nothing with it, for fine-tuning."""
        return copy.deepcopy(self.body)


def _forwarding(
    index: int, see: Callable[[int, Tensor, Tensor], None]
) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
    def hook(_module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        see(index, inputs[0], output)

    return hook


def split_head(network: nn.Module, head_name: str) -> nn.Module:
    """Replace the linear layer ``head_name`` of ``network`` by an identity and return it."""
    parent_name, _, name = head_name.rpartition(".")
    parent = network.get_submodule(parent_name)
    head = getattr(parent, name)
    setattr(parent, name, nn.Identity())
    return head  # type: ignore[no-any-return]


def freeze(module: nn.Module) -> nn.Module:
    """Put ``module`` into evaluation mode without gradients for its weights; return it."""
    return module.eval().requires_grad_(False).to(memory_format=torch.channels_last)
