"""Convolutions of one pixel as matrix products: the same answers on any number of cores."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_LARGE_BATCH = 16  # from here on oneDNN's convolution gives the same bits on 1, 2 and 4 cores


class Pointwise(nn.Conv2d):
    """A convolution of one pixel, whose answers on a CPU do not depend on how many cores compute.

    oneDNN divides the sum over the channels among the cores, so that another number of cores
    rounds otherwise; a matrix product of the same size is about as fast and does not. In bfloat16,
    where a product would be slower, in large batches, which are divided by picture, and on a GPU it
    is the convolution itself. Parameters keep their names and shapes.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        nn.Module.__init__(self)
        self.__dict__.update(conv.__dict__)  # shares its parameters, whatever device they are on

    def forward(self, maps: Tensor) -> Tensor:
        """Convolve maps (N, C, H, W)."""
        is_large = len(maps) >= _LARGE_BATCH
        if is_large or maps.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
            return super().forward(maps)
        rows = F.linear(maps.permute(0, 2, 3, 1), self.weight[:, :, 0, 0], self.bias)
        return rows.permute(0, 3, 1, 2)


def use_products(network: nn.Module) -> nn.Module:
    """Replace the network's convolutions of one pixel by ``Pointwise``, in place; return it."""
    for name, module in list(network.named_modules()):
        is_plain = type(module) is nn.Conv2d and module.groups == 1
        if is_plain and module.kernel_size == module.stride == (1, 1) and module.padding == (0, 0):
            network.set_submodule(name, Pointwise(module))
    return network
