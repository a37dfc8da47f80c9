"""``lab.models``: the networks that visitors have trained or loaded."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tl_core.compute import Networks
from tl_core.settings import LARGEST_MODEL_FILE_MB, Settings
from tl_core.specs.classify import Calibration
from tl_core.specs.datasets import clean_name, require_names
from tl_core.specs.training import LABEL_LENGTH


@dataclass(eq=False, repr=False)
class Models:
    """Visitors' own models by key; thread-safe.

    Every method with a ``key`` raises ``UserError`` where the model is no longer in memory.
    """

    _networks: Networks
    _settings: Settings

    @property
    def largest_file_mb(self) -> int:
        """Size of the largest file of a model that can be loaded here, in 2**20 bytes."""
        limits = self._settings
        return min(
            LARGEST_MODEL_FILE_MB,
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
        for model in self._networks.own_models(owner):
            times[model.label] += 1
            number = times[model.label]
            labels[model.key] = model.label if number == 1 else f"{model.label} ({number})"
        return labels

    def calibrations(self, owner: str) -> dict[str, Calibration]:
        """What "none of these" rests on, of this visitor's models that can say so, by key."""
        models = self._networks.own_models(owner)
        return {model.key: model.calibration for model in models if model.calibration}

    def rename(self, key: str, *, label: str = "", classes: Sequence[str] = ()) -> None:
        """Call a model, or its classes, otherwise; what is left out stays, nothing is learned.

        Raises:
            UserError: If classes have no names of their own, of 1 to 60 characters.
        """
        if classes:
            require_names(classes)
        self._networks.rename(key, clean_name(label, LABEL_LENGTH), tuple(classes))

    def drop(self, key: str) -> None:
        """Throw a model away, if it is there."""
        self._networks.drop(key)

    def save(self, key: str) -> bytes:
        """The model as a safetensors file, with its classes and how it was trained."""
        return self._networks.save(key)

    def require_loadable(self, key: str) -> None:
        """Say before a file is saved whether this lab would not take it back.

        Raises:
            UserError: If so.
        """
        self._networks.require_loadable(key, self.largest_file_mb)

    def settings_of(self, key: str) -> str:
        """The settings in the model's file, as JSON."""
        return self._networks.settings_of(key)

    def plain_pytorch(self, key: str) -> str:
        """Ten lines of PyTorch that load the model's file."""
        return self._networks.plain_pytorch(key)

    def load(self, data: bytes, owner: str) -> str:
        """Take in a file that ``save`` wrote; return the model's key.

        Raises:
            UserError: If the file is not exactly that, the model exceeds the owner's share of
                memory, or there is none left.
        """
        return self._networks.load_file(data, owner)
