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
from tl_core.training.model_file import load_model, plain_pytorch, save_model, settings_of


@dataclass(eq=False, repr=False)
class Models:
    """Visitors' own models by key; thread-safe.

    Every method with a ``key`` raises ``UserError`` where the model is no longer in memory.
    """

    _store: BackboneStore
    _pool: Pool
    _memory: VisitorMemory

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
