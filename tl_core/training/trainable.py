"""A network in training: which part of it is frozen, which part trains."""

import math
from dataclasses import replace

import torch
from torch import Tensor, nn

from tl_core.backbones.backbone import Backbone, freeze
from tl_core.machine.device import sent
from tl_core.specs.training import FineTune, Unfrozen
from tl_core.training.sharing import batch_norms, tensors, unfreeze


class TrainableModel:
    """A backbone with a new head for ``classes``; only the worker may call it.

    ``trained_layers`` is the part of the body that trains: nothing, the last block, or all of it.
    Frozen tensors are the backbone's own, not copies. Everything stays in evaluation mode, except
    batch-norm layers that train.

    Args:
        start: The network before training.
        classes: The new head's classes.
        unfrozen: Which part of the network trains beside the head.
        trains_batch_norm: Whether unfrozen batch-norm layers train and measure statistics; if
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
        self.cut = start.row.last_block if unfrozen == "last block" else ""
        # Zeros are the fairest start of a head alone; through them no gradient reaches a body
        head_seed = None if unfrozen == "head" else seed
        self.head = new_head(start.embedding_size, len(classes), head_seed).to(start.device)
        self.body = start.body
        self.trained_layers: nn.Module = nn.Identity()
        self._changing = tensors(self.head)
        if unfrozen != "head":
            self.body, self.trained_layers, changing = unfreeze(
                start.body, self.cut, trains_batch_norm=trains_batch_norm
            )
            self._changing += changing
        for parameter in self.parameters():
            parameter.requires_grad_(True)
        self._norms = batch_norms(self.trained_layers) if trains_batch_norm else []
        self.train_batch_norm(True)

    @property
    def uses_batch_statistics(self) -> bool:
        """Whether batch-norm layers normalise by the batch while training."""
        return bool(self._norms)

    def train_batch_norm(self, is_training: bool) -> None:
        """Switch batch-norm layers that train between the batch's and their own statistics."""
        for norm in self._norms:
            norm.train(is_training)

    def frozen_layers(self, inputs: Tensor) -> Tensor:
        """Compute the part that never changes from normalised inputs (N, 3, S, S).

        Returns the inputs themselves, the activations before the last block, or the embedding.
        """
        if self.unfrozen == "all":
            return inputs
        if self.cut:
            return activations_before(self.start.body, self.cut, inputs)
        embedding: Tensor = self.start.body(inputs)
        return embedding

    def logits(
        self, features: Tensor, *, dropout: float = 0.0, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return class scores (N, C) from the result of ``frozen_layers``.

        ``dropout`` is the share of the embedding that is dropped.
        """
        embedding: Tensor = self.trained_layers(features)
        if dropout:
            draws = sent(torch.rand(embedding.shape, generator=generator), embedding.device)
            kept = draws >= dropout
            embedding = embedding * kept / (1 - dropout)
        scores: Tensor = self.head(embedding)
        return scores

    def parameters(self) -> list[nn.Parameter]:
        """Return what the optimiser changes."""
        return [tensor for tensor in self._changing if isinstance(tensor, nn.Parameter)]

    @property
    def trainable_parameters(self) -> int:
        """How many weights training changes."""
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def total_parameters(self) -> int:
        """How many weights there are in all."""
        modules = (self.body, self.head)
        return sum(p.numel() for module in modules for p in module.parameters())

    @property
    def size_bytes(self) -> int:
        """Memory of what is not shared with the backbone."""
        return sum(tensor.nbytes for tensor in self._changing)

    def state(self) -> list[Tensor]:
        """Return copies of everything that training changes."""
        return [tensor.detach().clone() for tensor in self._changing]

    def restore(self, state: list[Tensor]) -> None:
        """Set everything that training changes to what ``state`` returned."""
        with torch.no_grad():
            for tensor, value in zip(self._changing, state, strict=True):
                tensor.copy_(value)

    def to_backbone(self, key: str, label: str, trained_with: FineTune) -> Backbone:
        """Return the trained network, frozen; this model must not be trained after that.

        It cannot say "none of these" yet.
        """
        for parameter in self.parameters():
            parameter.grad = None
        return replace(
            self.start,
            key=key,
            label=label,
            body=freeze(self.body),
            head=freeze(self.head),
            classes=self.classes,
            trained_with=trained_with.without_photos(),
            novelty=None,
        )


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


class _Reached(Exception):
    """Carries the input of a layer out of the forward pass."""

    def __init__(self, activations: Tensor) -> None:
        self.activations = activations


def activations_before(body: nn.Module, cut: str, inputs: Tensor) -> Tensor:
    """Return the input of layer ``cut``; nothing after it is computed."""

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
