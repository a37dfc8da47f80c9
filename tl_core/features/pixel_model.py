"""A backbone as one module from pixels to logits, the form in which Captum takes networks."""

import copy
import itertools
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from tl_core.backbones.backbone import Backbone

_ACTIVATIONS = {  # torch's operation, and what people call it
    "relu": "ReLU",
    "hardtanh": "ReLU6",
    "hardswish": "Hardswish",
    "hardsigmoid": "Hardsigmoid",
    "gelu": "GELU",
    "silu": "SiLU",
    "sigmoid": "sigmoid",
    "leaky_relu": "Leaky ReLU",
    "elu": "ELU",
}


class Explained(nn.Module):
    """Pixels (N, 3, S, S) in [0, 1] to logits (N, classes); only the worker may call it."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.body = backbone.body
        self.head = backbone.head
        self.backbone = backbone

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the class scores."""
        logits: Tensor = self.head(self.body(self.backbone.normalise(pixels)))
        return logits

    @torch.inference_mode()
    def probabilities(self, pixels: Tensor) -> Tensor:
        """Return the class probabilities, (N, classes), without gradients."""
        logits: Tensor = self(pixels)
        return logits.float().softmax(dim=1)

    def baseline(self, pixels: Tensor) -> Tensor:
        """A picture (1, 3, S, S) of ImageNet's mean colour, in which there is nothing to see."""
        mean = torch.tensor(self.backbone.row.mean, device=pixels.device, dtype=pixels.dtype)
        return mean.view(1, 3, 1, 1).expand_as(pixels[:1]).clone()

    def alone(self) -> "Explained":
        """Return a copy with modules of its own and the same weights in memory.

        Captum hooks the modules it is given and leaves hooks behind when a call fails; on a copy
        that is thrown away they reach nobody.
        """
        kept = [self.backbone, *itertools.chain(self.parameters(), self.buffers())]
        return copy.deepcopy(self, {id(item): item for item in kept})

    def guided_obstacle(self, pixels: Tensor) -> str | None:
        """Name what keeps guided back-propagation from working here, or ``None``.

        It needs every activation to be an ``nn.ReLU`` of its own; one forward pass counts.
        """
        alone = self.alone()
        calls: Counter[nn.Module] = Counter()
        for module in alone.modules():
            if isinstance(module, nn.ReLU):
                module.register_forward_pre_hook(lambda relu, _inputs: calls.update([relu]))
        counting = _Activations()
        with torch.no_grad(), counting:
            alone(pixels)
        others = sorted(set(counting.seen) - {"ReLU"})
        if others:
            return ", ".join(others)
        if counting.seen["ReLU"] != calls.total():
            return "a ReLU that is no module"
        return "a ReLU used several times" if max(calls.values(), default=0) > 1 else None


class _Activations(TorchDispatchMode):
    """Counts the activation functions that run, module or not."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = func.overloadpacket.__name__.rstrip("_")  # in place or not
        if name in _ACTIVATIONS:
            self.seen[_ACTIVATIONS[name]] += 1
        return func(*args, **(kwargs or {}))


@contextmanager
def quiet_captum() -> Iterator[None]:
    """Leave out Captum's note that it is about to set hooks; the filter is the process's own."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Setting backward hooks on ReLU")
        yield
