"""The handler of ``PreviewData``: counts, thumbnails and duplicates of a data set."""

from collections.abc import Sequence

from tl_core.context import Context
from tl_core.datasets.dataset import Dataset, Example, Split, duplicates, sample_per_class
from tl_core.engine.job import Job
from tl_core.engine.runner import Sliced
from tl_core.errors import gettext_noop as N_
from tl_core.images.decode import decode
from tl_core.images.encode import thumbnail
from tl_core.specs.base import Snapshot
from tl_core.specs.datasets import ClassPreview, PreviewData, PreviewSnapshot
from tl_core.training.data import open_dataset, split_by_spec


def preview_data(job: Job[PreviewData], context: Context) -> Sliced[Snapshot]:
    """Count a data set's photographs and show some; files new to the lab are checked first.

    Raises:
        UserError: If there is no such data set, or too few photographs in it.
    """
    spec = job.spec

    def on_progress(done: int, total: int) -> None:
        job.publish(
            PreviewSnapshot(phase=N_("checking photographs"), step=done, steps=max(total, 1))
        )

    on_progress(0, 1)
    dataset = yield from open_dataset(job, context, spec, on_progress)
    parts = split_by_spec(dataset, spec)
    classes = []
    for label, name in enumerate(dataset.classes):
        train, validation = (
            [e for e in side if e.label == label] for side in (parts.train, parts.validation)
        )
        shown = sample_per_class(train, spec.thumbnails, seed=spec.seed)[: spec.thumbnails]
        pictures = yield from context.in_pool(
            _thumbnails, dataset, shown, spec.thumbnail_side, context.settings.max_pixels
        )
        names = tuple(example.name for example in shown)
        classes.append(ClassPreview(name, len(train), len(validation), pictures, names))
    return _snapshot(dataset, parts, classes)


def _snapshot(dataset: Dataset, parts: Split, classes: list[ClassPreview]) -> PreviewSnapshot:
    sizes = [sum(e.label == label for e in dataset.examples) for label in range(len(classes))]
    return PreviewSnapshot(
        phase=N_("done"),
        step=1,
        label=dataset.label,
        classes=tuple(classes),
        imbalance=max(sizes) / max(min(sizes), 1),
        duplicates=duplicates(dataset.examples),
        duplicates_across=parts.duplicates_across,
        left_out=dataset.left_out,
        is_unlike_imagenet=dataset.is_unlike_imagenet,
    )


def _thumbnails(
    dataset: Dataset, examples: Sequence[Example], side: int, max_pixels: int
) -> tuple[bytes, ...]:
    return tuple(
        thumbnail(decode(dataset.read(example), max_pixels=max_pixels, at_least=side), side)
        for example in examples
    )
