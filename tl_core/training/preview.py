"""Two handlers around data: a look at a set before training, and the import of a large one."""

from collections.abc import Sequence
from typing import Any

from tl_core.context import Context
from tl_core.datasets.dataset import Dataset, Example, Split, duplicates, take
from tl_core.datasets.importers import Phase, import_archive
from tl_core.engine.job import Job
from tl_core.engine.runner import Sliced
from tl_core.images.codec import decode, thumbnail
from tl_core.specs import ClassLook, ImportData, ImportSnapshot, LookAtData, LookSnapshot, Snapshot
from tl_core.training.data import check_files, divide, open_dataset

_CHECKING = "checking photographs"


def look(job: Job, context: Context) -> Sliced[Snapshot]:
    """Count a data set's photographs and show some; files new to the lab are checked first.

    Raises:
        UserError: If there is no such data set, or too little in it.
    """
    spec = job.spec
    if not isinstance(spec, LookAtData):
        raise ValueError(f"expected a LookAtData spec, got {type(spec).__name__}")

    def told(done: int, total: int) -> None:
        job.publish(LookSnapshot(phase=_CHECKING, step=done, steps=max(total, 1)))

    told(0, 1)
    dataset = yield from open_dataset(job, context, spec, told)
    parts = divide(dataset, spec)
    classes = []
    for label, name in enumerate(dataset.classes):
        shown = take((e for e in parts.train if e.label == label), spec.thumbnails, seed=spec.seed)
        shown = shown[: spec.thumbnails]
        pictures = yield from context.aside(
            _thumbnails, dataset, shown, spec.thumbnail_side, context.settings.max_pixels
        )
        names = tuple(example.name for example in shown)
        classes.append(ClassLook(name, *_counts(parts, label), pictures, names))
    return _snapshot(dataset, parts, classes)


def _snapshot(dataset: Dataset, parts: Split, classes: list[ClassLook]) -> LookSnapshot:
    sizes = [sum(e.label == label for e in dataset.examples) for label in range(len(classes))]
    return LookSnapshot(
        phase="done",
        step=1,
        label=dataset.label,
        classes=tuple(classes),
        imbalance=max(sizes) / max(min(sizes), 1),
        duplicates=duplicates(dataset.examples),
        duplicates_across=parts.duplicates_across,
        left_out=dataset.left_out,
        is_unlike_imagenet=dataset.is_unlike_imagenet,
    )


def _counts(parts: Split, label: int) -> tuple[int, int]:
    train, validation = (
        sum(example.label == label for example in side) for side in (parts.train, parts.validation)
    )
    return train, validation


def _thumbnails(
    dataset: Dataset, examples: Sequence[Example], side: int, max_pixels: int
) -> tuple[bytes, ...]:
    return tuple(
        thumbnail(decode(dataset.read(example), max_pixels=max_pixels, at_least=side), side)
        for example in examples
    )


def import_data(job: Job, context: Context) -> Sliced[Snapshot]:
    """Download and unpack a data set of the catalogue, then find what no decoder can read.

    Raises:
        UserError: If it cannot be had.
    """
    spec = job.spec
    if not isinstance(spec, ImportData):
        raise ValueError(f"expected an ImportData spec, got {type(spec).__name__}")

    def report(phase: Phase, done: int, total: int) -> None:
        job.publish(ImportSnapshot(phase=phase, step=done, steps=max(total, 1)))

    def told(done: int, total: int) -> None:
        report("checking", done, total)

    context.datasets.archive(spec.dataset)  # refuses what cannot be downloaded
    report("downloading", 0, 1)
    yield context.pool.submit_download(_import, job, context, report)
    index = yield from context.aside(context.datasets.index, spec.dataset)
    yield from check_files(job, context, index, told)
    dataset = context.datasets.open(index)
    return ImportSnapshot(
        phase="done", step=1, photographs=len(dataset.examples), left_out=dataset.left_out
    )


def _import(job: Job, context: Context, report: Any) -> None:
    spec = job.spec
    if isinstance(spec, ImportData):
        import_archive(context.datasets, spec.dataset, report=report, check=job.check)
