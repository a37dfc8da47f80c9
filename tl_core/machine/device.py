"""The device that networks run on."""

import errno
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from tl_core.errors import UserError

_CARDS = ("CUDA", "CUBLAS", "CUDNN", "MPS")  # in the words of their libraries
_LACKS_OF_MEMORY = (
    "out of memory",  # CUDA, MPS
    "can't allocate memory",  # torch on the processor
    "Cannot allocate memory",  # the system
    "std::bad_alloc",
    "ALLOC_FAILED",  # cuBLAS, cuDNN
)


def choose_device(name: str) -> torch.device:
    """Return the device called ``name``; ``auto`` takes CUDA, then MPS, then the CPU.

    Raises:
        UserError: If there is no such device on this machine.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UserError(
            "TL_DEVICE names {name}, which this machine does not have. Use auto or cpu.", name=name
        ) from error
    return device


def device_name(device: torch.device, cores: int) -> str:
    """What a person calls the device, which has so many cores if it is the processor."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return "Apple GPU" if device.type == "mps" else f"CPU, {cores} cores"


def has_bf16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16 in hardware: every CUDA GPU, a CPU by its flags.

    Where it is used: embeddings are computed in bfloat16 wherever this holds, pictures are drawn in
    it where ``imageopt.precision`` found it quicker, networks are trained in it on CUDA only.
    Attacks, and all answers that a page shows, are computed in float32; but for the probability
    under one of several ideal images on their way, whose steps are not more precise.
    """
    if device.type != "cpu":
        return device.type == "cuda"
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))


def autocast_bf16(device: torch.device, *, enabled: bool) -> AbstractContextManager[object]:
    """Let networks compute in bfloat16 inside the block, if ``enabled``."""
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


@cache
def constant(values: tuple[object, ...], device: torch.device) -> Tensor:
    """Return (nested) numbers as float32 on the device; copied once, never to be changed."""
    with torch.inference_mode(mode=False):  # gradients may have to flow past them
        return torch.tensor(values, dtype=torch.float32, device=device)


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor of the CPU on the device, without waiting where that is a GPU."""
    if device.type == "cuda":
        tensor = tensor.pin_memory()  # only out of such memory does a copy not wait
    return tensor.to(device, non_blocking=True)


def copied(tables: Sequence[ArrayLike], device: torch.device) -> list[Tensor]:
    """Return tables of numbers as float32 on the device, copied at once without waiting for it."""
    arrays = [np.asarray(table, np.float32) for table in tables]
    flat = torch.tensor(np.concatenate([array.ravel() for array in arrays]))
    parts = torch.split(sent(flat, device), [array.size for array in arrays])
    return [part.view(array.shape) for part, array in zip(parts, arrays, strict=True)]


def is_device_gone(error: BaseException) -> bool:
    """Whether an error says that CUDA will fail from now on, whatever this process asks of it.

    Source:
        The CUDA runtime's documentation: after an error in a kernel the context must be made anew,
        which only another process can do.
    """
    text = str(error)
    return (
        isinstance(error, RuntimeError)
        and not is_out_of_memory(error)
        and ("CUDA error" in text or "device-side assert" in text)
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the device or this machine has no memory for what was asked.

    On the processor torch raises a plain ``RuntimeError``, numpy and Pillow ``MemoryError``.
    """
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, RuntimeError):  # torch.OutOfMemoryError is one
        return isinstance(error, torch.OutOfMemoryError) or any(
            words in str(error) for words in _LACKS_OF_MEMORY
        )
    return isinstance(error, MemoryError)


def lack_of_memory(error: BaseException) -> UserError | None:
    """Say in words that there is no memory for what was asked; ``None`` for any other error."""
    if not is_out_of_memory(error):
        return None
    if isinstance(error, torch.OutOfMemoryError) or any(name in str(error) for name in _CARDS):
        torch.cuda.empty_cache()
        return UserError(
            "The graphics card has no memory left for this. Choose a smaller network or size."
        )
    return UserError(
        "This machine has no memory left for this right now. Try again when other runs have "
        "finished, or choose a smaller network or size."
    )


@contextmanager
def no_memory_skips() -> Iterator[None]:
    """Skip the rest of what is inside where there is no memory for it."""
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
