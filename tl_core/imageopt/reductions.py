"""Reductions over a whole picture that round alike on any number of cores.

torch divides the sum of a single number among the cores, so that another number of them rounds
otherwise and a replayed picture would not be the same bytes; sums of several numbers it gives
whole to one core each. So these go channel by channel.
"""

import torch
from torch import Tensor


def mean_of_each(values: Tensor) -> Tensor:
    """Return the mean of each picture's values, (N, C, ...) to (N,)."""
    return values.reshape(*values.shape[:2], -1).mean(dim=2).mean(dim=1)


def length_of_each(values: Tensor) -> Tensor:
    """Return the Euclidean length of each picture's values, (N, C, ...) to (N,)."""
    channels = torch.linalg.vector_norm(values.reshape(*values.shape[:2], -1), dim=2)
    lengths: Tensor = torch.linalg.vector_norm(channels, dim=1)
    return lengths
