"""Networks in memory share the tensors that are equal: what is kept once, and what comes on top."""

import copy
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn


def copy_sharing(module: nn.Module, shared: Iterable[Tensor]) -> nn.Module:
    """Return a copy of a module in which these tensors are the module's own."""
    return copy.deepcopy(module, {id(tensor): tensor for tensor in shared})


def share_equal(state: dict[str, Tensor], other: nn.Module) -> int:
    """Replace the tensors in ``state`` that equal those of the same name in ``other`` by those.

    Returns:
        Bytes of the tensors that stay.
    """
    theirs, size_bytes = named_tensors(other), 0
    for name, tensor in state.items():
        if name in theirs and same(tensor, theirs[name]):
            state[name] = theirs[name]
        else:
            size_bytes += tensor.nbytes
    return size_bytes


def same(tensor: Tensor, other: Tensor) -> bool:
    """Whether two tensors are equal; those in the same memory are, without looking."""
    is_view = tensor.data_ptr() == other.data_ptr() and tensor.stride() == other.stride()
    return tensor.shape == other.shape and (is_view or torch.equal(tensor, other))


def unshared_bytes(module: nn.Module, others: Iterable[nn.Module]) -> int:
    """Memory of a module's tensors that none of the others holds."""
    known = {place for other in others for place, _ in _storages(other)}
    return sum(size for place, size in set(_storages(module)) if place not in known)


def named_tensors(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name, themselves: those of ``state_dict`` are other objects."""
    return dict(module.named_parameters()) | dict(module.named_buffers())


def _storages(module: nn.Module) -> Iterator[tuple[int, int]]:
    """Address and size of the memory behind each tensor."""
    for tensor in named_tensors(module).values():
        storage = tensor.untyped_storage()
        yield storage.data_ptr(), storage.nbytes()
