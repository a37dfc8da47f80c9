"""Which kept answers still hold: photographs, models and data sets' folders come and go."""

from collections.abc import Hashable

from tl_core.compute import DatasetFiles, Networks
from tl_core.images.photo_store import PhotoStore
from tl_core.specs.base import OWN, Spec, photo_keys
from tl_core.specs.datasets import PreviewData


class Staleness:
    """Compares questions with what the lab has now; thread-safe."""

    def __init__(self, networks: Networks, photos: PhotoStore, datasets: DatasetFiles) -> None:
        self._networks = networks
        self._photos = photos
        self._datasets = datasets

    def is_stale(self, spec: Spec) -> bool:
        """Whether a question is about a photograph or a model that is gone."""
        return spec.backbone not in self._networks or any(
            key not in self._photos for key in photo_keys(spec)
        )

    def stamp(self, spec: Spec) -> Hashable:
        """Return what changes when a file comes into the folder that is asked about, or goes.

        Of a visitor's model the names of its classes, which answers hold.
        """
        if isinstance(spec, PreviewData):
            return self._datasets.stamp(spec.dataset)
        is_own = spec.backbone.startswith(OWN) and spec.backbone in self._networks
        return self._networks.classes(spec.backbone) if is_own else None
