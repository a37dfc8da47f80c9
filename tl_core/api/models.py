"""``lab.models``: the networks that visitors have trained or loaded."""

import uuid
from collections import Counter
from dataclasses import dataclass
from functools import partial

from tl_core.backbones.store import OWN, BackboneStore
from tl_core.device import is_out_of_memory
from tl_core.engine.memory import VisitorMemory
from tl_core.engine.pool import Pool
from tl_core.errors import UserError
from tl_core.settings import Settings
from tl_core.training.model_file import (
    MAX_FILE_MB,
    load_model,
    plain_pytorch,
    require_loadable,
    save_model,
    settings_of,
)


@dataclass(eq=False, repr=False)
class Models:
    """Visitors' own models by key; thread-safe.

    Every method with a ``key`` raises ``UserError`` where the model is no longer in memory.
    """

    _store: BackboneStore
    _pool: Pool
    _memory: VisitorMemory
    _settings: Settings

    @property
    def largest_file_mb(self) -> int:
        """Size of the largest file of a model that can be loaded here, in 2**20 bytes."""
        limits = self._settings
        return min(
            MAX_FILE_MB,
            limits.upload_visit_mb,
            limits.upload_memory_mb,
            limits.model_memory_mb,
            limits.visitor_memory_mb,
        )

    def of(self, owner: str) -> dict[str, str]:
        """The labels of the models this visitor has trained or loaded, by their keys, oldest first.

        Where several are called the same, the later ones are numbered.
        """
        labels, times = dict[str, str](), Counter[str]()
        for model in self._store.own_models(owner):
            times[model.label] += 1
            number = times[model.label]
            labels[model.key] = model.label if number == 1 else f"{model.label} ({number})"
        return labels

    def save(self, key: str) -> bytes:
        """The model as a safetensors file, with its classes and how it was trained."""
        return save_model(self._store.load(key))

    def require_loadable(self, key: str) -> None:
        """Say before a file is saved whether this lab would not take it back.

        Raises:
            UserError: If so.
        """
        require_loadable(self._store.load(key), self.largest_file_mb)

    def settings_of(self, key: str) -> str:
        """The settings in the model's file, as JSON."""
        return settings_of(self._store.load(key))

    def plain_pytorch(self, key: str) -> str:
        """Ten lines of PyTorch that load the model's file."""
        return plain_pytorch(self._store.load(key))

    def load(self, data: bytes, owner: str) -> str:
        """Take in a file that ``save`` wrote; return the model's key.

        Raises:
            UserError: If the file is not exactly that, the model exceeds the owner's share of
                memory, or there is none left.
        """
        key = f"{OWN}{uuid.uuid4().hex}"
        loading = self._pool.submit(partial(load_model, data, self._store, key=key, owner=owner))
        try:
            model = loading.result()
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            raise UserError(
                "There is too little memory for this model just now. Try it again in a moment."
            ) from error
        self._memory.require(owner, model.size_bytes)
        self._store.adopt(key, model)
        return key
