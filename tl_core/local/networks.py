"""Every network of this process, as the lab asks for them."""

import uuid
from collections.abc import Mapping
from concurrent.futures import Future
from functools import partial

import torch

from tl_core.backbones.build import channel_counts
from tl_core.backbones.catalogue import BackboneRow
from tl_core.backbones.store import BackboneStore
from tl_core.backbones.weights import WeightsState
from tl_core.engine.memory import VisitorMemory
from tl_core.engine.pool import Pool
from tl_core.errors import UserError
from tl_core.machine.device import is_out_of_memory
from tl_core.settings import Settings
from tl_core.specs.base import OWN
from tl_core.training.model_file import (
    load_model,
    plain_pytorch,
    require_loadable,
    save_model,
    settings_of,
)


class LocalNetworks(BackboneStore):
    """The ``Networks`` of this process; files of models are written and read in the pool."""

    def __init__(
        self, settings: Settings, device: torch.device, pool: Pool, memory: VisitorMemory
    ) -> None:
        super().__init__(settings, device)
        self._pool = pool
        self._memory = memory

    def channel_counts(self, key: str) -> Mapping[str, int]:
        """How many channels each layer has that can be looked into, by its name."""
        return channel_counts(self.row(key))

    def state(self, row: BackboneRow) -> WeightsState:
        """What is known of the file of a backbone's weights."""
        return self.weights.state(row)

    def begin_check(self, row: BackboneRow) -> "Future[None]":
        """Have a large file of weights read beside the pages."""
        return self._pool.submit(self.weights.check, row)

    def save(self, key: str) -> bytes:
        """The model as a safetensors file, with its classes and how it was trained."""
        return save_model(self.load(key))

    def require_loadable(self, key: str, limit_mb: int) -> None:
        """Say before a file is saved whether this lab would not take it back.

        Raises:
            UserError: If so.
        """
        require_loadable(self.load(key), limit_mb)

    def settings_of(self, key: str) -> str:
        """The settings in the model's file, as JSON."""
        return settings_of(self.load(key))

    def plain_pytorch(self, key: str) -> str:
        """Ten lines of PyTorch that load the model's file."""
        return plain_pytorch(self.load(key))

    def load_file(self, data: bytes, owner: str) -> str:
        """Take in a file that ``save`` wrote; return the model's key.

        Raises:
            UserError: If the file is not exactly that, the model exceeds the owner's share of
                memory, or there is none left.
        """
        key = f"{OWN}{uuid.uuid4().hex}"
        loading = self._pool.submit(partial(load_model, data, self, key=key, owner=owner))
        try:
            model = loading.result()
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            raise UserError(
                "There is too little memory for this model right now. Try again in a moment."
            ) from error
        self._memory.require(owner, model.size_bytes)
        self.adopt(key, model)
        return key
