"""What all handlers share: the settings, the device, the stores, the caches and the pool."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.catalogue import BackboneRow
from tl_core.backbones.store import BackboneStore
from tl_core.datasets.embedding_cache import EmbeddingCache
from tl_core.datasets.store import DatasetStore
from tl_core.engine.memory import VisitorMemory
from tl_core.engine.pool import P, Pool, T
from tl_core.engine.runner import Sliced
from tl_core.images.photo import PhotoArray
from tl_core.images.photo_store import PhotoStore
from tl_core.machine.byte_cache import ByteCache
from tl_core.machine.device import sent
from tl_core.settings import Settings


@dataclass(frozen=True, slots=True)
class Context:
    """Shared by all handlers of one lab.

    A handler's generator runs on the worker. It yields ``None`` to end a slice, or a future from
    ``pool`` to let others work until that has a result. Use the methods with ``yield from``.
    """

    settings: Settings
    device: torch.device
    backbones: BackboneStore
    photos: PhotoStore
    datasets: DatasetStore
    pool: Pool
    memory: VisitorMemory
    poll_s: Callable[[], float] = lambda: 0.5  # seconds after which somebody looks at a run again
    hand_over_s: float = math.inf  # after which pictures are handed over, in case this process dies
    embeddings: EmbeddingCache = field(init=False)
    activations: ByteCache[Any] = field(init=False)  # what networks made of photographs

    def __post_init__(self) -> None:
        budget = self.settings.activation_memory_mb * 2**20
        object.__setattr__(self, "embeddings", EmbeddingCache(self.settings))  # the class is frozen
        object.__setattr__(self, "activations", ByteCache(budget))

    @property
    def hands_over(self) -> bool:
        """Whether other processes go on with what this one leaves."""
        return self.hand_over_s < math.inf

    def in_pool(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Sliced[T]:
        """Run ``work(*arguments)`` in the pool while the worker serves others; its result."""
        result: T = yield self.pool.submit(work, *args, **kwargs)
        return result

    def backbone(self, key: str) -> Sliced[Backbone]:
        """The network ``key``, loaded beside the worker where it is not in memory yet.

        Raises:
            UserError: If it is unknown, not on disk, or does not fit.
        """
        loaded = self.backbones.loaded(key)
        if loaded is None:
            loaded = yield from self.in_pool(self.backbones.load, key)
            warm_up(loaded)
        return loaded

    def photos_at_once(self, networks: int = 1) -> int:
        """How many photographs may go through so many networks together, gradients included."""
        most = self.settings.pass_photos if self.device.type == "cpu" else 1024
        return max(most // networks, 1)

    def pixels(self, photo_key: str, backbone: Backbone) -> Sliced[Tensor]:
        """The photograph as the network sees it: (1, 3, S, S) in [0, 1], on the device.

        Raises:
            UserError: If the photograph is no longer known.
        """
        array = yield from self.in_pool(fitted, self.photos, photo_key, backbone.row)
        return pixels_from(array, self.device)


@torch.inference_mode()
def warm_up(backbone: Backbone) -> None:
    """Run a black picture through, so that the first answer is timed like every other."""
    size = backbone.input_size
    backbone.logits(torch.zeros(1, 3, size, size, device=backbone.device))


def fitted(photos: PhotoStore, photo_key: str, row: BackboneRow) -> PhotoArray:
    """The photograph at the network's input size, uint8 (S, S, 3); for the pool."""
    return row.fit(photos.photo(photo_key))


def pixels_from(array: PhotoArray, device: torch.device) -> Tensor:
    """Turn uint8 (S, S, 3) into pixels (1, 3, S, S) in [0, 1] on ``device``."""
    return sent(torch.from_numpy(array), device).permute(2, 0, 1).unsqueeze(0).float() / 255
