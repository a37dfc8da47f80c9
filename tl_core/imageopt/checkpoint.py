"""A picture on its way as bytes, with which another process goes on exactly where it was."""

import io
import pickle
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from tl_core.backbones.backbone import Backbone
from tl_core.imageopt.pixels import PARAMETERISATIONS

_NAMES = {id(row): name for name, row in PARAMETERISATIONS.items()}


def packed(member: object) -> bytes:
    """Return a batch's member as bytes; networks are named by their key, tensors copied."""
    file = io.BytesIO()
    _Packing(file, protocol=pickle.HIGHEST_PROTOCOL).dump(member)
    return file.getvalue()


def unpacked(data: bytes, backbones: Sequence[Backbone]) -> Any:
    """Return the member that ``packed`` wrote, on these networks and their device.

    Unpickling runs code: the bytes must come from this lab's own processes.
    """
    return _Unpacking(io.BytesIO(data), backbones).load()


class _Packing(pickle.Pickler):
    def persistent_id(self, value: object) -> tuple[str, object] | None:
        """Name what the other process has too; send a tensor without its device."""
        if isinstance(value, Tensor):
            return "tensor", value.detach().cpu().numpy()
        if isinstance(value, Backbone):
            return "network", value.key
        if id(value) in _NAMES:
            return "parameterisation", _NAMES[id(value)]
        return None


class _Unpacking(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, backbones: Sequence[Backbone]) -> None:
        super().__init__(file)
        self._device = backbones[0].device
        self._backbones = {backbone.key: backbone for backbone in backbones}

    def persistent_load(self, named: Any) -> object:
        """Find what ``_Packing`` named."""
        kind, value = named
        if kind == "tensor":
            return torch.from_numpy(value).to(self._device)
        return self._backbones[value] if kind == "network" else PARAMETERISATIONS[value]
