"""The handlers around data sets and training, and what they keep between jobs."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from tl_core.context import Context
from tl_core.datasets.dataset import Dataset, Split, split, take
from tl_core.datasets.folder import FolderIndex
from tl_core.datasets.store import own_dataset
from tl_core.engine.job import Job
from tl_core.engine.runner import Sliced
from tl_core.errors import UserError
from tl_core.specs import OWN_DATASET
from tl_core.specs.datasets import OnDataset
from tl_core.training.embeddings import chunks

_CHECK_FILES = 32  # in one piece of pool work
_CHECKS_AHEAD = 3


def open_dataset(
    job: Job, context: Context, spec: OnDataset, told: Callable[[int, int], None]
) -> Sliced[Dataset]:
    """The spec's data set; files that are new to the lab are checked first.

    Args:
        job: Whose work this is.
        context: The lab's.
        spec: Names the data set.
        told: Hears how many files of how many are checked.

    Raises:
        UserError: If there is no such data set, or too little in it.
    """
    if spec.dataset == OWN_DATASET:
        return own_dataset(spec.photos, context.photos)
    packaged = yield from context.aside(context.datasets.packaged, spec.dataset)
    if isinstance(packaged, Dataset):
        return packaged
    index = yield from context.aside(context.datasets.index, spec.dataset)
    yield from check_files(job, context, index, told)
    return context.datasets.open(index)


def check_files(
    job: Job, context: Context, index: FolderIndex, told: Callable[[int, int], None]
) -> Sliced[None]:
    """Decode every file that is new to the lab, in the pool, and remember what was found."""
    unknown = index.unknown()
    waiting = deque(chunks(unknown, _CHECK_FILES))
    coming: deque[Future[Any]] = deque()
    done = 0
    while waiting or coming:
        job.check()
        while waiting and len(coming) < _CHECKS_AHEAD:
            names = waiting.popleft()
            coming.append(context.pool.submit(context.datasets.check, index.folder.name, names))
        found = yield coming.popleft()
        index.learn(found)
        done += len(found)
        told(done, len(unknown))
    if unknown:
        yield from context.aside(index.save)


def divide(dataset: Dataset, spec: OnDataset) -> Split:
    """The two sides of a data set, as the spec's seed and limits say.

    Raises:
        UserError: If one of them is empty.
    """
    parts = split(dataset, share=spec.validation_share, seed=spec.seed)
    per_class = max(spec.max_validation // len(dataset.classes), 1)
    validation = take(parts.validation, per_class, seed=spec.seed)
    if not parts.train or not validation:
        raise UserError(
            "{label} has too few photographs to learn from some and be tested on others. Add some.",
            label=dataset.label,
        )
    return Split(parts.train, validation, parts.duplicates_across)
