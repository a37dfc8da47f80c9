"""Batch-norm layers folded into the convolutions before them: the same answers, sooner."""

import logging

import torch
import torch.nn.functional as F
from timm.layers.conv2d_same import Conv2dSame
from timm.layers.norm_act import BatchNormAct2d
from timm.layers.padding import pad_same
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from tl_core.backbones.hooks import hooked
from tl_core.backbones.sharing import copy_sharing, named_tensors

_LOG = logging.getLogger(__name__)
_DEAD = 1e-3  # a smaller weight hides what came into the layer behind rounding


class FoldedNorm(nn.Module):
    """What is left in the place of a batch-norm layer that the convolution before it now does.

    Its inputs x are the layer's outputs. The layer's own inputs were
    ``(x - shift) * scale + running_mean``, so their statistics can still be read:

    - ``shift`` (C,): the mean of x when the inputs' mean is as in training
    - ``scale`` (C,): 0 for a channel that the layer switches off
    - ``variance`` (C,): of the layer's inputs in training; 0 for such a channel
    """

    shift: Tensor
    scale: Tensor
    variance: Tensor

    def __init__(self, norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
        super().__init__()
        weight = norm.weight.detach() if norm.affine else torch.ones_like(mean)
        is_alive = weight.abs() >= _DEAD
        scale = (variance + norm.eps).sqrt() / weight.where(is_alive, torch.ones_like(weight))
        self.register_buffer("shift", norm.bias.detach() if norm.affine else mean * 0)
        self.register_buffer("scale", scale * is_alive)
        self.register_buffer("variance", variance * is_alive)
        self.rest = norm.act if isinstance(norm, BatchNormAct2d) else nn.Identity()

    def forward(self, maps: Tensor) -> Tensor:
        """Apply the activation that belonged to the layer, if any."""
        if hasattr(self.rest, "inplace"):  # saves a copy where nobody can want the maps later
            setattr(self.rest, "inplace", torch.is_inference_mode_enabled())  # noqa: B010
        activations: Tensor = self.rest(maps)
        # residual blocks add to this in place, and a hook on the way may have kept the maps
        return activations.clone() if activations is maps and maps.requires_grad else activations


class Strided(nn.Module):
    """A depthwise convolution that skips pixels, for processors that compute in bfloat16.

    Their library has no fast gradient for it there, and takes thirty times as long as for every
    pixel; so every pixel is computed and the skipped ones are dropped. Elsewhere it is the
    convolution itself.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, maps: Tensor) -> Tensor:
        """Convolve maps (N, C, H, W)."""
        conv, padding = self.conv, self.conv.padding
        if maps.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
            return conv(maps)  # type: ignore[no-any-return]
        if isinstance(conv, Conv2dSame):
            sizes = (list(conv.kernel_size), list(conv.stride), list(conv.dilation))
            maps, padding = pad_same(maps, *sizes), (0, 0)
        dense = F.conv2d(maps, conv.weight, conv.bias, 1, padding, conv.dilation, conv.groups)
        return dense[:, :, :: conv.stride[0], :: conv.stride[1]]


def fold(body: nn.Module, inputs: Tensor) -> nn.Module:
    """Return a frozen body that gives the same embeddings in about two thirds of the time.

    In evaluation mode a batch-norm layer is a scale and a shift for each channel, which the
    convolution before it can do by itself. Which layer follows which is seen on one picture; the
    result is compared with the original, and the original is returned where they differ. Outside
    inference mode nothing in the copy works in place: every tensor a hook sees stays as it is.

    Args:
        body: A network in ``eval`` mode; not changed, but called, so only on the worker.
        inputs: One normalised picture, (1, 3, S, S).
    """
    # in TF32, as GPUs convolve by default, the two would differ more than they may
    with torch.no_grad(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        pairs = _neighbours(body, inputs)
        if not pairs:
            return body
        folded = _fold(body, pairs)
        before, after = body(inputs), folded(inputs)
        is_same = torch.allclose(before, after, rtol=1e-2, atol=1e-3 * float(before.abs().max()))
    if not is_same:
        _LOG.warning("folding the batch norm of %s changed its answers", type(body).__name__)
    return folded if is_same else body


def cast_weights(module: nn.Module) -> nn.Module:
    """Return a copy whose convolutions and linear layers have bfloat16 weights; it shares the rest.

    It can only be called under autocast, which brings the inputs of these layers to bfloat16 too.
    """
    module = copy_sharing(module, named_tensors(module).values())
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            for name, weight in list(layer.named_parameters(recurse=False)):
                cast = weight.detach().to(torch.bfloat16)
                setattr(layer, name, nn.Parameter(cast, requires_grad=False))
    return module


def _neighbours(body: nn.Module, inputs: Tensor) -> list[tuple[str, str]]:
    """Names of each convolution and the batch-norm layer that takes its output."""
    layers = [
        (name, module)
        for name, module in body.named_modules()
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d)
    ]
    outputs: dict[int, tuple[str, Tensor]] = {}  # keeps tensors alive, so that ids stay theirs
    pairs = []

    def pair(index: int, inputs: Tensor, activations: Tensor) -> None:
        name, module = layers[index]
        if isinstance(module, nn.Conv2d):
            outputs[id(activations)] = (name, activations)
        elif id(inputs) in outputs:
            pairs.append((outputs[id(inputs)][0], name))

    if any(isinstance(module, nn.BatchNorm2d) for _, module in layers):
        with hooked((module for _, module in layers), pair):
            body(inputs)
    return pairs


def _fold(body: nn.Module, pairs: list[tuple[str, str]]) -> nn.Module:
    body = copy_sharing(body, named_tensors(body).values())
    for conv_name, norm_name in pairs:
        conv, norm = body.get_submodule(conv_name), body.get_submodule(norm_name)
        if not isinstance(conv, nn.Conv2d) or not isinstance(norm, nn.BatchNorm2d):
            raise ValueError(f"{conv_name} and {norm_name} are no convolution and batch-norm")
        mean, variance = norm.running_mean, norm.running_var
        if mean is None or variance is None:
            continue  # it uses each batch's own statistics
        conv.weight, conv.bias = fuse_conv_bn_weights(
            conv.weight, conv.bias, mean, variance, norm.eps, norm.weight, norm.bias
        )
        body.set_submodule(norm_name, FoldedNorm(norm, mean, variance))
        if conv.groups > 1 and conv.stride != (1, 1):
            body.set_submodule(conv_name, Strided(conv))
    for module in body.modules():
        if hasattr(module, "inplace"):
            setattr(module, "inplace", False)  # noqa: B010 - unknown to nn.Module
    return body.requires_grad_(False).to(memory_format=torch.channels_last)
