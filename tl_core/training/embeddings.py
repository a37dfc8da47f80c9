"""Embeddings of photographs, computed once: decoding in the pool, the network on the worker."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from tl_core.backbones.backbone import Backbone
from tl_core.datasets.dataset import Example
from tl_core.datasets.embedding_cache import EmbeddingSpace
from tl_core.engine.runner import Sliced
from tl_core.machine.device import autocast_bf16, has_bf16
from tl_core.specs.base import OWN
from tl_core.training.inputs import PhotoSource, chunks, map_photos, shifted

_CPU_BATCH = 8  # its activations stay in a core's cache: a batch of 32 takes half as long again
_CPU_BF16_BATCH = 16
_CUDA_BATCH = 64
_KEEP_EVERY = 1024  # photographs; a run that is stopped starts again from there


@dataclass(frozen=True)
class Extractor:
    """A network's part for inference, as fast as the device allows.

    Computes in bfloat16 on a GPU and on processors that have it in hardware.
    """

    backbone: Backbone
    through: Callable[[Tensor], Tensor]  # from normalised inputs
    precision: torch.dtype = field(init=False)

    def __post_init__(self) -> None:
        is_bf16 = has_bf16(self.backbone.device)
        object.__setattr__(self, "precision", torch.bfloat16 if is_bf16 else torch.float32)

    @property
    def batch_size(self) -> int:
        """Photographs at once."""
        if self.backbone.device.type != "cpu":
            return _CUDA_BATCH
        return _CPU_BATCH if self.precision == torch.float32 else _CPU_BF16_BATCH

    def __call__(self, photos: Tensor, *, mirrored: bool = False) -> Tensor:
        """Return float16 (N, ...) of uint8 (N, 3, S, S)."""
        is_bf16 = self.precision == torch.bfloat16
        with torch.inference_mode(), autocast_bf16(self.backbone.device, enabled=is_bf16):
            pixels = photos.float().div_(255)
            inputs = self.backbone.normalise(pixels.flip(3) if mirrored else pixels)
            return self.through(inputs).half()


def embeddings(
    source: PhotoSource, backbone: Backbone, examples: Sequence[Example], *, mirrored: bool = False
) -> Sliced[Tensor]:
    """Return the embeddings of ``examples``, float16 (N, D) on the device; reads cached ones.

    Yields after every batch. Progress is reported for the photographs that were not cached.
    """
    context = source.context
    space = space_of(source, backbone, mirrored=mirrored)
    keys = [example.key for example in examples]
    known = yield from context.in_pool(context.embeddings.get, space, keys)
    missing = list({e.key: e for e in examples if e.key not in known}.values())
    done = 0
    for part in chunks(missing, _KEEP_EVERY):
        extractor = Extractor(backbone, backbone.folded.body)
        counted = replace(source, on_progress=shifted(source.on_progress, done, len(missing)))
        rows = yield from extract(counted, extractor, part, mirrored=mirrored)
        part_keys, array = [example.key for example in part], rows.cpu().numpy()
        known.update(zip(part_keys, array, strict=True))
        yield from context.in_pool(context.embeddings.put, space, part_keys, array)
        done += len(part)
    return torch.from_numpy(np.stack([known[key] for key in keys])).to(context.device)


def extract(
    source: PhotoSource, extractor: Extractor, examples: Sequence[Example], *, mirrored: bool
) -> Sliced[Tensor]:
    """Put every photograph through the extractor, float16 (N, ...) on the device."""
    row, apply = extractor.backbone.row, partial(extractor, mirrored=mirrored)
    return (yield from map_photos(source, row, examples, apply, extractor.batch_size))


def space_of(source: PhotoSource, backbone: Backbone, *, mirrored: bool) -> EmbeddingSpace:
    """Return where embeddings of this network are comparable.

    Of a visitor's own photographs or network they stay in memory under the visitor's name.
    """
    row = backbone.row
    is_private = source.dataset.is_private or backbone.key.startswith(OWN)
    return EmbeddingSpace(
        network=backbone.key,
        preprocessing=f"{row.architecture} {row.input_size} {row.resize} {row.interpolation} "
        f"{backbone.device.type} {'mirrored' if mirrored else 'upright'}",
        owner=source.owner if is_private else "",
    )
