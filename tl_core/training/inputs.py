"""Photographs on their way to a network: decoded in the pool, kept or streamed, augmented."""

import math
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from itertools import islice
from typing import Protocol, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from tl_core.backbones.catalogue import BackboneRow
from tl_core.context import Context
from tl_core.datasets.dataset import Dataset, Example
from tl_core.engine.runner import Sliced
from tl_core.errors import UserError
from tl_core.images.codec import decode, fit, to_array
from tl_core.specs.fine_tune import Augmentation

Photos: TypeAlias = NDArray[np.uint8]
_AHEAD = 4  # batches being decoded while one is used


def load_photos(
    dataset: Dataset, examples: Sequence[Example], row: BackboneRow, max_pixels: int
) -> Photos:
    """Return photographs at the network's input size, uint8 (N, S, S, 3); for the pool.

    Raises:
        UserError: If one of them can no longer be read.
    """
    return np.stack([_load(dataset, example, row, max_pixels) for example in examples])


def _load(dataset: Dataset, example: Example, row: BackboneRow, max_pixels: int) -> Photos:
    try:
        photo = decode(dataset.read(example), max_pixels=max_pixels, at_least=row.resize)
    except OSError as error:
        raise UserError(
            "The photograph {name} can no longer be read from the disk. Look at the data again.",
            name=example.name,
        ) from error
    return to_array(fit(photo, row.input_size, row.resize, row.interpolation))


class Stream:
    """Batches of photographs in a given order, decoded ahead of their use in the pool."""

    def __init__(
        self,
        context: Context,
        dataset: Dataset,
        row: BackboneRow,
        batches: Sequence[Sequence[Example]],
    ) -> None:
        self._context = context
        self._dataset = dataset
        self._row = row
        self._waiting = iter(batches)
        self._coming: deque[Future[Photos]] = deque()

    def take(self) -> Sliced[Tensor]:
        """The next batch, uint8 (N, 3, S, S), channels last in memory, on the device."""
        for batch in islice(self._waiting, _AHEAD - len(self._coming)):
            arguments = (self._dataset, batch, self._row, self._context.settings.max_pixels)
            self._coming.append(self._context.pool.submit(load_photos, *arguments))
        future = self._coming.popleft()
        photos = future.result() if future.done() else (yield future)
        tensor = torch.from_numpy(photos)
        return tensor.to(self._context.device, non_blocking=True).permute(0, 3, 1, 2)


class Inputs(Protocol):
    """What a student learns from or is tested on, batch by batch."""

    labels: Tensor

    def plan(self, batches: Sequence[Sequence[int]], *, is_training: bool) -> None:
        """Announce the batches to come, by example number."""

    def take(self) -> Sliced[Tensor]:
        """The next announced batch, as the student takes it."""


class Kept:
    """Embeddings or activations that were computed once, (N, ...) for each version of a photo.

    With two versions (as it is, and mirrored) training draws one of them each time.
    """

    def __init__(self, versions: Sequence[Tensor], labels: Tensor, seed: int) -> None:
        self._versions = torch.stack(list(versions))
        self.labels = labels
        self._generator = torch.Generator().manual_seed(seed)
        self._planned: deque[tuple[Tensor, Tensor]] = deque()

    def plan(self, batches: Sequence[Sequence[int]], *, is_training: bool) -> None:
        """Announce the batches to come, by example number."""
        versions = len(self._versions) if is_training else 1
        numbers = torch.tensor([index for batch in batches for index in batch])
        drawn = torch.randint(versions, (len(numbers),), generator=self._generator)
        sizes = [len(batch) for batch in batches]
        device = self._versions.device
        self._planned = deque(
            zip(
                torch.split(drawn.to(device), sizes),
                torch.split(numbers.to(device), sizes),
                strict=True,
            )
        )

    def take(self) -> Sliced[Tensor]:
        """The next announced batch, float32."""
        return self._versions[self._planned.popleft()].float()
        yield  # a generator, as the other kinds of inputs are


class Photographs:
    """Photographs themselves: on the device where they fit, else decoded anew for every epoch."""

    def __init__(
        self,
        source: Callable[[Sequence[Sequence[Example]]], Stream],
        examples: Sequence[Example],
        prepare: Callable[[Tensor], Tensor],
        augmentation: Augmentation,
        seed: int,
    ) -> None:
        self.source = source
        self.examples = examples
        self._prepare = prepare
        self._augmentation = augmentation
        self._generator = torch.Generator().manual_seed(seed)
        self._resident: Tensor | None = None
        self._stream: Stream | None = None
        self._planned: deque[Sequence[int]] = deque()
        self._is_training = False
        self.labels = torch.tensor([example.label for example in examples])

    def to(self, device: torch.device) -> "Photographs":
        """Put the labels on ``device``; the photographs come to it by themselves."""
        self.labels = self.labels.to(device)
        return self

    def reside(self, photos: Tensor) -> None:
        """Use these photographs, uint8 (N, 3, S, S), instead of decoding them every epoch."""
        self._resident = photos

    def plan(self, batches: Sequence[Sequence[int]], *, is_training: bool) -> None:
        """Announce the batches to come, by example number."""
        self._is_training = is_training
        self._planned = deque(batches)
        if self._resident is None:
            self._stream = self.source([[self.examples[i] for i in b] for b in batches])

    def take(self) -> Sliced[Tensor]:
        """The next announced batch, augmented while training, and prepared."""
        batch = self._planned.popleft()
        if self._resident is not None:
            indices = torch.tensor(batch).to(self._resident.device, non_blocking=True)
            photos = self._resident[indices]
        elif self._stream is not None:
            photos = yield from self._stream.take()
        else:
            raise ValueError("take before plan")
        pixels = photos.float().div_(255)
        if self._is_training:
            pixels = augmented(pixels, self._augmentation, self._generator)
        return self._prepare(pixels)


def normaliser(row: BackboneRow, device: torch.device) -> Callable[[Tensor], Tensor]:
    """Return ``Backbone.normalise`` with its constants already on ``device``.

    Bringing them there for every batch would make the processor wait for the GPU each time.
    """
    mean, std = (
        torch.tensor(values, device=device).view(1, 3, 1, 1) for values in (row.mean, row.std)
    )
    return lambda pixels: ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)


def augmented(pixels: Tensor, augmentation: Augmentation, generator: torch.Generator) -> Tensor:
    """Return ``pixels`` (N, 3, S, S) changed at random, each in its own way, on their device.

    "mirror" flips half of them; "strong" also turns by up to 10 degrees, zooms in by up to 1.4,
    shifts by up to a tenth and changes the brightness by up to a fifth.
    """
    if augmentation == "none":
        return pixels
    draws = torch.rand(6, len(pixels), generator=generator).to(pixels.device, non_blocking=True)
    flip = torch.where(draws[0] < 0.5, -1.0, 1.0)
    if augmentation == "mirror":
        return torch.where(flip[:, None, None, None] < 0, pixels.flip(3), pixels)
    angle = (draws[1] * 2 - 1) * math.radians(10)
    zoom = 1 - 0.3 * draws[2]
    shift = (draws[3:5] * 2 - 1) * 0.2  # the picture spans -1 to 1
    cos, sin = zoom * angle.cos(), zoom * angle.sin()
    rows = [
        torch.stack([flip * cos, -sin, shift[0]], 1),
        torch.stack([flip * sin, cos, shift[1]], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), list(pixels.shape), align_corners=False)
    moved = F.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)
    brightness = 0.8 + 0.4 * draws[5]
    return (moved * brightness[:, None, None, None]).clamp(0, 1)
