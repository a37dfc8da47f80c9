"""Residual branches: the gradient through them, scaled."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.folding import FoldedNorm


def branch_ends(body: nn.Module) -> list[nn.Module]:
    """Return the last layer of each residual branch of a body; VGG has none."""
    return [_last_norm(module) for module in body.modules() if _adds_its_input(module)]


def _adds_its_input(module: nn.Module) -> bool:
    is_mobile = getattr(module, "has_skip", False) or getattr(module, "use_res_connect", False)
    return is_mobile or isinstance(module, BasicBlock | Bottleneck)


def _last_norm(block: nn.Module) -> nn.Module:
    norms = [
        module
        for name, module in block.named_modules()
        if isinstance(module, FoldedNorm | nn.BatchNorm2d) and not name.startswith("downsample")
    ]
    return norms[-1]


@contextmanager
def scaling_residual_gradients(backbone: Backbone, factors: Tensor | None) -> Iterator[None]:
    """Multiply the gradient through residual branches by ``factors`` during the next call.

    What such a gradient finds rests less on one network's own layers, and convinces others more.

    Args:
        backbone: A network, folded where that is possible.
        factors: One for each picture of the call, (N,), on the device; none: all are 1.

    Source:
        Wu et al. 2020, "Skip connections matter", arXiv:2002.05990.
    """
    if factors is None:
        yield
        return
    rows = factors.view(-1, 1, 1, 1)

    def scale(_index: int, _inputs: Tensor, activations: Tensor) -> None:
        mine = rows.to(activations.dtype)
        activations.register_hook(lambda gradient: gradient * mine)  # type: ignore[no-untyped-call]

    with backbone.hooked(branch_ends(backbone.body), scale):
        yield
