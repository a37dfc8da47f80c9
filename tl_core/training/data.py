"""How a data set is imported, opened and split; the handler of ``ImportData``."""

from collections import deque
from concurrent.futures import Future
from functools import partial
from itertools import islice
from typing import Any

from tl_core.context import Context
from tl_core.datasets.archive_import import Phase, import_archive
from tl_core.datasets.dataset import Dataset, Split, sample_per_class, split
from tl_core.datasets.folder import FolderIndex
from tl_core.datasets.store import own_dataset
from tl_core.engine.job import Job
from tl_core.engine.runner import Sliced
from tl_core.errors import Phrase, UserError
from tl_core.specs.base import Snapshot
from tl_core.specs.datasets import OWN_DATASET, ImportData, ImportSnapshot, OnDataset
from tl_core.training.inputs import OnProgress, chunks

_CHECK_FILES = 32  # in one piece of pool work
_CHECKS_AHEAD = 3


def import_data(job: Job[ImportData], context: Context) -> Sliced[Snapshot]:
    """Download and unpack a data set of the catalogue, then find files that no decoder can read.

    Raises:
        UserError: If it cannot be had.
    """
    spec = job.spec

    def report(phase: Phase, done: int, total: int) -> None:
        job.publish(ImportSnapshot(phase=phase, step=done, steps=max(total, 1)))

    context.datasets.archive(spec.dataset)  # refuses what cannot be downloaded
    report("downloading", 0, 1)
    work = partial(import_archive, context.datasets, spec.dataset, report=report, check=job.check)
    yield context.pool.submit_download(work)
    index = yield from context.in_pool(context.datasets.index, spec.dataset)
    yield from _check_files(job, context, index, partial(report, "checking"))
    dataset = context.datasets.open(index)
    return ImportSnapshot(
        phase="done", step=1, photographs=len(dataset.examples), left_out=dataset.left_out
    )


def open_dataset(
    job: Job, context: Context, spec: OnDataset, on_progress: OnProgress
) -> Sliced[Dataset]:
    """Return the spec's data set; files that are new to the lab are checked first.

    ``on_progress`` is called with the files checked, of all that are new.

    Raises:
        UserError: If there is no such data set, or it has fewer than two classes.
    """
    if spec.dataset == OWN_DATASET:
        return own_dataset(spec.photos, context.photos, spec.tests, spec.bursts)
    packaged: Dataset | None = yield from context.in_pool(context.datasets.packaged, spec.dataset)
    if packaged is not None:
        return packaged
    index = yield from context.in_pool(context.datasets.index, spec.dataset)
    yield from _check_files(job, context, index, on_progress)
    return context.datasets.open(index)


def _check_files(
    job: Job, context: Context, index: FolderIndex, on_progress: OnProgress
) -> Sliced[None]:
    """Decode every file that is new to the lab, in the pool, and save the results."""
    unknown = index.unknown()
    waiting = iter(chunks(unknown, _CHECK_FILES))
    running: deque[Future[Any]] = deque()
    done = 0
    while done < len(unknown):
        job.check()
        for names in islice(waiting, _CHECKS_AHEAD - len(running)):
            work = context.pool.submit_photos(context.datasets.check, index.folder.name, names)
            running.append(work)
        found = yield running.popleft()
        index.add(found)
        done += len(found)
        on_progress(done, len(unknown))
    if unknown:
        yield from context.in_pool(index.save)


def split_by_spec(dataset: Dataset, spec: OnDataset) -> Split:
    """Return the photographs to train on and those to test on, by the spec's seed and limits.

    There may be no test where a class has one recording of a camera and nothing else, or all that
    tested it is a correction.

    Raises:
        UserError: If there is nothing to train on, or nothing to test on in any other case.
    """
    corrections = frozenset(spec.corrections)
    parts = split(dataset, share=spec.validation_share, seed=spec.seed, corrections=corrections)
    per_class = max(spec.max_validation // len(dataset.classes), 1)
    validation = sample_per_class(parts.validation, per_class, seed=spec.seed)
    if not parts.train or not (validation or spec.bursts or spec.corrections):
        raise UserError(
            "{label} has too few photographs for training and validation. Add some.",
            label=Phrase(dataset.label),
        )
    return Split(parts.train, validation, parts.duplicates_across)
