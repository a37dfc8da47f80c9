"""Tensor arithmetic on a number of cores, for tests."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from tl_core.machine.threads import use_cores


@contextmanager
def computing_on(cores: int) -> Iterator[None]:
    """Let the calling thread compute on so many cores inside."""
    before = torch.get_num_threads()
    use_cores(cores)
    try:
        yield
    finally:
        use_cores(before)
