"""A loaded network, cut where every transfer-learning lesson cuts it: body and head."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from weakref import ReferenceType

import torch
from torch import Tensor, nn

from tl_core.backbones.catalogue import BackboneRow
from tl_core.backbones.folding import cast_weights, fold
from tl_core.backbones.hooks import HookCallback, hooked
from tl_core.backbones.novelty import NoveltyDetector
from tl_core.backbones.sharing import named_tensors, share_equal, unshared_bytes
from tl_core.errors import UserError
from tl_core.machine.device import constant
from tl_core.specs.classify import Calibration
from tl_core.specs.training import FineTune


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
    novelty: NoveltyDetector | None = None  # of a visitor's model that can say "none of these"
    base: "ReferenceType[Backbone] | None" = None  # the network that a visitor's model grew from
    unshared_bytes: int = 0  # of a folded copy: its memory that neither original nor base holds

    @property
    def input_size(self) -> int:
        """Side S of the square pictures the network was trained on, in pixels."""
        return self.row.input_size

    @property
    def embedding_size(self) -> int:
        """Length D of the embedding."""
        return next(m.in_features for m in self.head.modules() if isinstance(m, nn.Linear))

    @property
    def calibration(self) -> Calibration | None:
        """What "none of these" rests on, where the model can say so."""
        return self.novelty.calibration if self.novelty else None

    def normalise(self, pixels: Tensor) -> Tensor:
        """Return the network's inputs: pixels (N, 3, H, W) minus mean, over std, channels last."""
        mean, std = (
            constant(values, pixels.device).to(pixels.dtype).view(1, 3, 1, 1)
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

    @cached_property
    def folded(self) -> "Backbone":
        """The same network, sooner: batch norm inside the convolutions; made at first use.

        Layers keep their names; where a batch-norm layer was, a ``FoldedNorm`` is. What equals the
        base's folded copy is shared with it.
        """
        base = self.base() if self.base else None
        if base is not None and base.body is self.body:
            return replace(self, body=base.folded.body)
        generator = torch.Generator().manual_seed(0)
        pixels = torch.rand(1, 3, self.input_size, self.input_size, generator=generator)
        body = fold(self.body, self.normalise(pixels.to(self.device)))
        others = [self.body]
        if base is not None:
            others.append(base.folded.body)
            state = named_tensors(body)
            share_equal(state, base.folded.body)
            body.load_state_dict(state, assign=True)
        return replace(self, body=body, unshared_bytes=unshared_bytes(body, others))

    @cached_property
    def in_bf16(self) -> "Backbone":
        """Of a folded copy: one with weights in bfloat16, for calls under autocast.

        Autocast would cast frozen weights anew at every call; on a CPU that is a third of a step
        of two pictures on VGG-16.
        """
        base = self.base() if self.base else None
        head = cast_weights(self.head)
        own = unshared_bytes(head, [self.head])
        if base is not None and base.folded.body is self.body:
            body = base.folded.in_bf16.body
        else:
            body = cast_weights(self.body)
            own += unshared_bytes(body, [self.body])
        return replace(self, body=body, head=head, unshared_bytes=own)

    @property
    def folded_bytes(self) -> int:
        """Memory that the folded copy, and that in bfloat16, take by themselves once made."""
        folded: Backbone | None = vars(self).get("folded")
        if folded is None:
            return 0
        in_bf16: Backbone | None = vars(folded).get("in_bf16")
        return folded.unshared_bytes + (in_bf16.unshared_bytes if in_bf16 else 0)

    def drop_folded(self) -> None:
        """Let the folded copy go; the next use makes it again."""
        vars(self).pop("folded", None)

    def hooked(
        self, layers: Sequence[str | nn.Module], callback: HookCallback
    ) -> AbstractContextManager[None]:
        """Call ``callback(i, inputs, activations)`` when ``layers[i]`` runs; unhook in any case.

        It gets the live tensors: clone them where a later in-place activation matters.
        """
        named = [self.layer(layer) if isinstance(layer, str) else layer for layer in layers]
        return hooked(named, callback)


def read_answers(scores: Tensor) -> Tensor:
    """Return a network's scores as answers to be read, float32 on the CPU; waits for the device.

    Whatever says something about a picture reads its scores by this; a step does not.

    Raises:
        UserError: If a score is not finite, as with weights that are finite and too large.
    """
    answers = scores.float().cpu()
    if not bool(answers.isfinite().all()):
        raise UserError(
            "This network's answer to this picture is infinite or not a number. Choose another "
            "network, or teach it at a smaller learning rate."
        )
    return answers


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
