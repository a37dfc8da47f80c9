"""Which kept answers still hold: photographs, models and data sets' folders come and go."""

import dataclasses
import os
from collections.abc import Hashable

from tl_core.backbones.store import BackboneStore
from tl_core.datasets.store import DatasetStore
from tl_core.images.photo_store import PhotoStore
from tl_core.specs import PreviewData, Spec

_KEY_PREFIX = "sha256:"  # of a visitor's photograph in the photo store


class Staleness:
    """Compares questions with what the lab has now; thread-safe."""

    def __init__(self, store: BackboneStore, photos: PhotoStore, datasets: DatasetStore) -> None:
        self._store = store
        self._photos = photos
        self._datasets = datasets

    def is_stale(self, spec: Spec) -> bool:
        """Whether a question is about a photograph or a model that is gone."""
        photos = _photos(dataclasses.astuple(spec))
        return spec.backbone not in self._store or any(key not in self._photos for key in photos)

    def stamp(self, spec: Spec) -> Hashable:
        """Return what changes when a file comes into the folder that is asked about, or goes."""
        if not isinstance(spec, PreviewData):
            return None
        folders = os.walk(self._datasets.folder(spec.dataset))  # none, where it is on no disk
        return tuple((place, _changed_ns(place)) for place, _, _ in folders)


def _photos(value: object) -> set[str]:
    """Find the keys of visitors' photographs, wherever in a spec they stand."""
    if isinstance(value, tuple):
        return set().union(*map(_photos, value))
    return {value} if isinstance(value, str) and value.startswith(_KEY_PREFIX) else set()


def _changed_ns(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return -1  # gone since it was listed
