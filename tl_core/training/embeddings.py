"""Embeddings of photographs, computed once: decoding in the pool, the network on the worker."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from tl_core.backbones.backbone import Backbone
from tl_core.context import Context
from tl_core.datasets.dataset import Dataset, Example
from tl_core.datasets.embedding_cache import EmbeddingCache, Space
from tl_core.device import autocast_bf16, has_bf16
from tl_core.engine.job import Job
from tl_core.engine.runner import Sliced
from tl_core.training.inputs import Stream

Told = Callable[[int, int], None]  # photographs done, of all

T = TypeVar("T")

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
    job: Job,
    context: Context,
    cache: EmbeddingCache,
    backbone: Backbone,
    dataset: Dataset,
    examples: Sequence[Example],
    told: Told,
    *,
    mirrored: bool = False,
) -> Sliced[Tensor]:
    """The embeddings of ``examples``, float16 (N, D) on the device; known ones are not computed.

    Yields at the end of every batch. ``told`` hears of each, and of no photograph that was known.
    """
    space = space_of(backbone, dataset, job, mirrored=mirrored)
    known = yield from context.aside(cache.get, space, [example.key for example in examples])
    missing = list({e.key: e for e in examples if e.key not in known}.values())
    if missing:
        extractor = Extractor(backbone, backbone.folded.body)
        done = 0
        for part in chunks(missing, _KEEP_EVERY):
            tell = _shifted(told, done, len(missing))
            rows = yield from through_network(context, extractor, dataset, part, tell, mirrored)
            keys, array = [example.key for example in part], rows.cpu().numpy()
            known.update(zip(keys, array, strict=True))
            yield from context.aside(cache.put, space, keys, array)
            done += len(part)
    return torch.from_numpy(np.stack([known[e.key] for e in examples])).to(context.device)


def through_network(
    context: Context,
    extractor: Extractor,
    dataset: Dataset,
    examples: Sequence[Example],
    told: Told,
    mirrored: bool = False,
) -> Sliced[Tensor]:
    """Put every photograph through the extractor, float16 (N, ...) on the device."""
    batches = chunks(examples, extractor.batch_size)
    stream = Stream(context, dataset, extractor.backbone.row, batches)
    found, done = [], 0
    for batch in batches:
        photos = yield from stream.take()
        found.append(extractor(photos, mirrored=mirrored))
        done += len(batch)
        told(done, len(examples))
        yield None
    return torch.cat(found)


def space_of(backbone: Backbone, dataset: Dataset, job: Job, *, mirrored: bool = False) -> Space:
    """Where embeddings of this network are comparable.

    What a visitor owns, photographs or network, stays in memory under the visitor's name.
    """
    row = backbone.row
    is_private = dataset.is_private or backbone.key.startswith("own:")
    return Space(
        network=backbone.key,
        preprocessing=f"{row.architecture} {row.input_size} {row.resize} {row.interpolation} "
        f"{backbone.device.type} {'mirrored' if mirrored else 'upright'}",
        owner=min(job.owners) if is_private else "",
    )


def chunks(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Cut a sequence into pieces of ``size``; the last may be shorter."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def _shifted(told: Told, done: int, total: int) -> Told:
    return lambda count, _: told(done + count, total)
