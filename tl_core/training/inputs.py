"""What a model is trained on, batch by batch: photographs, or features computed once."""

import math
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias, TypeVar

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
from tl_core.images.decode import decode
from tl_core.machine.device import sent
from tl_core.specs.training import Augmentation
from tl_core.training.trainable import TrainableModel

OnProgress: TypeAlias = Callable[[int, int], None]  # photographs or files done, of all
T = TypeVar("T")

_AHEAD = 4  # batches being decoded while one is used


@dataclass(frozen=True, slots=True)
class PhotoSource:
    """A data set whose photographs are read for one visitor."""

    context: Context
    dataset: Dataset
    owner: str
    on_progress: OnProgress


def chunks(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Cut a sequence into pieces of ``size``; the last may be shorter."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def shifted(on_progress: OnProgress, before: int, total: int) -> OnProgress:
    """Return a report of one part's progress as progress of the whole."""
    return lambda done, _part_total: on_progress(before + done, total)


def load_photos(
    dataset: Dataset, examples: Sequence[Example], row: BackboneRow, max_pixels: int
) -> NDArray[np.uint8]:
    """Return photographs at the network's input size, uint8 (N, S, S, 3); for the pool.

    Raises:
        UserError: If one of them can no longer be read.
    """
    photos = []
    for example in examples:
        try:
            photo = decode(dataset.read(example), max_pixels=max_pixels, at_least=row.resize)
        except OSError as error:
            raise UserError(
                "The photograph {name} can no longer be read from the disk. Look at the data "
                "again.",
                name=example.name,
            ) from error
        photos.append(row.fit(photo))
    return np.stack(photos)


class PhotoStream:
    """Batches of photographs in a given order, decoded ahead of their use in the pool."""

    def __init__(
        self, source: PhotoSource, row: BackboneRow, batches: Sequence[Sequence[Example]]
    ) -> None:
        self._source = source
        self._row = row
        self._waiting = iter(batches)
        self._decoding: deque[Future[NDArray[np.uint8]]] = deque()

    def next_batch(self) -> Sliced[Tensor]:
        """Return the next batch, uint8 (N, 3, S, S), channels last in memory, on the device."""
        context, dataset = self._source.context, self._source.dataset
        for batch in islice(self._waiting, _AHEAD - len(self._decoding)):
            arguments = (dataset, batch, self._row, context.settings.max_pixels)
            self._decoding.append(context.pool.submit_photos(load_photos, *arguments))
        future = self._decoding.popleft()
        photos = future.result() if future.done() else (yield future)
        return sent(torch.from_numpy(photos), context.device).permute(0, 3, 1, 2)


def map_photos(
    source: PhotoSource,
    row: BackboneRow,
    examples: Sequence[Example],
    apply: Callable[[Tensor], Tensor],
    batch_size: int,
) -> Sliced[Tensor]:
    """Decode all photographs and return the joined results of ``apply``, on the device.

    ``apply`` is called with batches of uint8 (N, 3, S, S). Yields after every batch.
    """
    batches = chunks(examples, batch_size)
    stream, found, done = PhotoStream(source, row, batches), [], 0
    for batch in batches:
        photos = yield from stream.next_batch()
        found.append(apply(photos))
        done += len(batch)
        source.on_progress(done, len(examples))
        yield None
    return torch.cat(found)


class PrecomputedInputs:
    """Embeddings or activations that were computed once, (N, ...) for each version of a photo.

    With two versions (as it is, and mirrored) training draws one of them each time.
    """

    def __init__(self, versions: Sequence[Tensor], labels: Tensor, seed: int) -> None:
        self._versions = torch.stack(list(versions))
        self.labels = labels
        self._generator = torch.Generator().manual_seed(seed)
        self._planned: deque[tuple[Tensor, Tensor]] = deque()

    def plan(self, batches: Sequence[Sequence[int]], *, is_training: bool) -> None:
        """Set the batches to come."""
        versions = len(self._versions) if is_training else 1
        numbers = torch.tensor([index for batch in batches for index in batch])
        drawn = torch.randint(versions, (len(numbers),), generator=self._generator)
        sizes = [len(batch) for batch in batches]
        pieces = (torch.split(sent(t, self._versions.device), sizes) for t in (drawn, numbers))
        self._planned = deque(zip(*pieces, strict=True))

    def next_batch(self) -> Sliced[Tensor]:
        """Return the next planned batch, float32."""
        return self._versions[self._planned.popleft()].float()
        yield  # a generator, as the other kinds of inputs are


class PhotoInputs:
    """Photographs; training batches are augmented, and all pass the model's frozen layers.

    They are decoded anew for every epoch, unless ``kept`` holds all of them on the device, uint8
    (N, 3, S, S).
    """

    def __init__(
        self,
        source: PhotoSource,
        model: TrainableModel,
        examples: Sequence[Example],
        augmentation: Augmentation,
        seed: int,
    ) -> None:
        self.examples = examples
        self.labels = torch.tensor([e.label for e in examples], device=model.start.device)
        self.kept: Tensor | None = None
        self._source = source
        self._model = model
        self._augmentation = augmentation
        self._generator = torch.Generator().manual_seed(seed)
        self._stream = PhotoStream(source, model.start.row, [])
        self._planned: deque[Sequence[int]] = deque()
        self._is_training = False

    def plan(self, batches: Sequence[Sequence[int]], *, is_training: bool) -> None:
        """Set the batches to come."""
        self._is_training = is_training
        self._planned = deque(batches)
        if self.kept is None:
            examples = [[self.examples[i] for i in batch] for batch in batches]
            self._stream = PhotoStream(self._source, self._model.start.row, examples)

    def next_batch(self) -> Sliced[Tensor]:
        """Return the next planned batch as the model's frozen layers leave it."""
        batch = self._planned.popleft()
        if self.kept is None:
            photos = yield from self._stream.next_batch()
        else:
            photos = self.kept[sent(torch.tensor(batch), self.kept.device)]
        pixels = photos.float().div_(255)
        if self._is_training:
            pixels = augmented(pixels, self._augmentation, self._generator)
        with torch.no_grad():
            return self._model.frozen_layers(self._model.start.normalise(pixels))


Inputs = PrecomputedInputs | PhotoInputs


def augmented(pixels: Tensor, augmentation: Augmentation, generator: torch.Generator) -> Tensor:
    """Return ``pixels`` (N, 3, S, S) changed at random, each in its own way, on their device.

    "mirror" flips half of them; "strong" also turns by up to 10 degrees, zooms in by up to 1.4,
    shifts by up to a tenth and changes the brightness by up to a fifth.
    """
    if augmentation == "none":
        return pixels
    draws = sent(torch.rand(6, len(pixels), generator=generator), pixels.device)
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
