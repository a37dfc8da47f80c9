"""A backbone as one module from pixels to logits, the form in which Captum takes networks."""

import copy
import itertools

import torch
from torch import Tensor, nn

from tl_core.backbones.backbone import Backbone
from tl_core.machine.device import constant


class PixelModel(nn.Module):
    """Pixels (N, 3, S, S) in [0, 1] to class scores (N, classes); only the worker may call it.

    A score is the class's logit or, with ``contrast``, by how much it exceeds that class's. Where
    gradients are taken, ``photos_at_once`` go through it together at most.
    """

    def __init__(
        self, backbone: Backbone, contrast: int | None = None, *, photos_at_once: int = 1024
    ) -> None:
        super().__init__()
        self.photos_at_once = photos_at_once
        self.body = backbone.body
        self.head = backbone.head
        self.backbone = backbone
        self.contrast = contrast

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the class scores."""
        logits: Tensor = self.head(self.body(self.backbone.normalise(pixels)))
        return logits if self.contrast is None else logits - logits[:, self.contrast, None]

    @torch.inference_mode()
    def scores(self, pixels: Tensor) -> Tensor:
        """Return the class scores, (N, classes), without gradients."""
        scores: Tensor = self(pixels)
        return scores.float()

    def probabilities(self, pixels: Tensor) -> Tensor:
        """Return the class probabilities, (N, classes), without gradients."""
        return self.scores(pixels).softmax(dim=1)

    def shares(self, pixels: Tensor) -> Tensor:
        """Return the probabilities; with ``contrast`` B p(A) / (p(A) + p(B)) for each class A."""
        if self.contrast is None:
            return self.probabilities(pixels)
        return self.scores(pixels).sigmoid()

    def baseline(self, pixels: Tensor) -> Tensor:
        """A picture (1, 3, S, S) of ImageNet's mean colour, in which there is nothing to see."""
        mean = constant(self.backbone.row.mean, pixels.device).to(pixels.dtype)
        return mean.view(1, 3, 1, 1).expand_as(pixels[:1]).clone()

    def copy_sharing_weights(self) -> "PixelModel":
        """Return a copy with modules of its own and the same weights in memory.

        Captum hooks the modules it is given and leaves hooks behind when a call fails; on a copy
        that is thrown away they do no harm.
        """
        kept = [self.backbone, *itertools.chain(self.parameters(), self.buffers())]
        return copy.deepcopy(self, {id(item): item for item in kept})
