"""The one door: what a page or a command can ask for."""

import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import BinaryIO

import psutil
import torch

from tl_core.backbones.catalogue import BackboneRow
from tl_core.backbones.catalogue import Packaged as PackagedWeights
from tl_core.backbones.store import OWN, BackboneStore, WeightsState, channel_counts
from tl_core.context import Context
from tl_core.cores import WorkerThreads, stay_on_one_core, usable_cores
from tl_core.datasets import uploads
from tl_core.datasets.store import DatasetStatus, DatasetStore
from tl_core.datasets.uploads import Drop, OwnUpload
from tl_core.device import (
    choose_device,
    device_name,
    give_back_freed_memory,
    is_device_gone,
    keep_freed_memory,
)
from tl_core.engine.answers import Answers
from tl_core.engine.job import Job, JobState
from tl_core.engine.pool import Pool
from tl_core.engine.scheduler import Scheduler
from tl_core.engine.visits import Visits
from tl_core.engine.worker import Worker
from tl_core.errors import UserError
from tl_core.estimates import Estimates
from tl_core.handlers import make_runner
from tl_core.images.photo_store import PhotoStore
from tl_core.settings import Settings
from tl_core.specs import (
    Download,
    ImportData,
    Spec,
)
from tl_core.staleness import Staleness
from tl_core.training.model_file import load_model, plain_pytorch, save_model, settings_of

__all__ = [
    "BackboneRow",
    "BackboneState",
    "BackboneStatus",
    "DatasetStatus",
    "Job",
    "JobState",
    "Lab",
    "LabStatus",
    "OwnUpload",
    "PackagedWeights",
    "Settings",
    "UserError",
]

_GOODBYE_S = 10.0  # longer than any slice
IsHere = Callable[[], bool]
ASK_S = 2.0  # a question not answered within this becomes a polled job


class BackboneState(StrEnum):
    """Whether a backbone can be used now."""

    READY = "ready"
    DOWNLOADABLE = "can be downloaded"
    DOWNLOADING = "downloading"
    OFFLINE = "offline"  # the last download did not reach a server
    TOO_LARGE = "too large for this server"
    CHECKING = "being checked"  # a file that nobody has compared with its checksum yet
    DAMAGED = "damaged"  # or another file of that name


@dataclass(frozen=True, slots=True)
class BackboneStatus:
    """A catalogue row with what this lab knows of it."""

    row: BackboneRow
    state: BackboneState
    download: Job | None  # the newest one, running or ended


@dataclass(frozen=True, slots=True)
class LabStatus:
    """What the lab runs on and how busy it is."""

    device: str
    memory_mb: int  # of this process
    queued: int
    running: int
    paused: int
    visitors: int
    trouble: UserError | None  # why nothing can run now


class Lab:
    """Owns the worker, the pool and everything kept between jobs; thread-safe.

    Use it as a context manager, or ``close`` it; a lab that is not closed ends with its process.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings.from_env()
        self.device = choose_device(self.settings.device)
        keep_freed_memory()
        stay_on_one_core()
        self._store = BackboneStore(self.settings, self.device)
        self._photos = PhotoStore(self.settings.photo_memory_mb * 2**20, self.settings.max_pixels)
        self._pool = Pool(prepare_thread=stay_on_one_core)
        self._datasets = DatasetStore(self.settings)
        self._context = Context(
            self.settings, self.device, self._store, self._photos, self._datasets, self._pool
        )
        self._staleness = Staleness(self._store, self._photos, self._datasets)
        self._answers = Answers(self.settings.answer_memory_mb * 2**20)
        self._checks: dict[str, Future[None]] = {}  # files being read, by backbone
        self._downloads: dict[Spec, Job] = {}  # the newest of each
        self._downloads_lock = threading.Lock()
        self._estimates = Estimates(self.device)
        threads = WorkerThreads(usable_cores())
        self._scheduler = Scheduler(
            partial(make_runner, context=self._context),
            self.settings,
            explain=self._explain,
            after_slice=threads.note,
        )
        self._visits = Visits(timeout_s=self.settings.visit_timeout_s, on_gone=self.forget)
        self._worker = Worker(
            self._scheduler,
            name=f"lab-worker-{self.device}",
            hang_s=self.settings.hang_s,
            prepare_thread=threads.begin,
            exits_on_hang=self.settings.exit_on_hang,
        )
        self._worker.start()
        self._visits.start()
        self.backbones()  # has large files of weights read before the first page asks

    # -- work ------------------------------------------------------------------------------

    def submit(self, spec: Spec, owner: str) -> Job:
        """Queue a run; equal downloads are one download.

        Raises:
            UserError: If the spec asks for what does not exist, or the lab is too busy.
        """
        trouble = self._worker.trouble()
        if trouble is not None:
            raise trouble
        if isinstance(spec, Download | ImportData):
            return self._submit_download(spec, owner)
        row = self._store.row(spec.backbone)
        job = self._scheduler.submit(spec, owner)
        if spec.uses_network and not spec.is_quick:
            self._estimates.follow(job, row)
        return job

    def ask(self, spec: Spec, owner: str, *, timeout_s: float = ASK_S) -> Job:
        """Ask a short question: the job is usually over when this returns, at most in ``ASK_S``.

        Raises:
            UserError: As ``submit``.
        """
        stamp = self._staleness.stamp(spec)
        job = self._answers.job_for(spec, owner, self.submit, self._scheduler.join, stamp=stamp)
        job.wait(timeout_s)
        return job

    def leave(self, job: Job, owner: str) -> None:
        """Give up a job that others may share: it goes on for them, and is cancelled without."""
        self._scheduler.withdraw(job, owner)

    def jobs(self, owner: str) -> list[Job]:
        """The visitor's jobs that are not over, oldest first."""
        return self._scheduler.jobs_of(owner)

    def estimate_s(self, specs: Sequence[Spec]) -> float:
        """About how long runs would take if they were submitted now, in seconds.

        Pictures of one batch advance together, everyone else's runs take turns with them; at the
        speed of the newest run on the same backbone, before there is one at a guess from its size.
        """
        return self._estimates.seconds([(spec, self._store.row(spec.backbone)) for spec in specs])

    # -- photographs -----------------------------------------------------------------------

    def add_photo(self, data: bytes, owner: str) -> str:
        """Keep a visitor's photograph for the visit; return the key that specs name it by.

        Raises:
            UserError: If the bytes are no photograph the lab can use.
        """
        return self._photos.add(data, owner)

    def add_example(self, data: bytes, owner: str) -> str:
        """Keep a photograph to learn from: as ``add_photo``, but a large one is made smaller.

        Counts as a sign of the visitor: taking in a row of them can last longer than a visit does
        without one.

        Raises:
            UserError: If the bytes are no photograph the lab can use.
        """
        self.touch(owner)
        return self._photos.add(uploads.compact(data, self.settings.max_pixels), owner)

    def photo(self, key: str) -> bytes:
        """The photograph's encoded bytes.

        Raises:
            UserError: If it is not known (any more).
        """
        return self._photos.data(key)

    def give_back_memory(self) -> None:
        """Give the system what large files that were let go have left free; a few milliseconds."""
        give_back_freed_memory()

    def add_folder(
        self, files: Iterable[tuple[str, bytes]], owner: str, *, is_here: IsHere = lambda: True
    ) -> OwnUpload:
        """Keep photographs named ``class/file``, from boxes or a dropped folder, for the visit.

        Args:
            files: Name and content of each.
            owner: The visitor.
            is_here: Asked before each photograph: True keeps the visit, False ends the work.

        Raises:
            UserError: If nothing can be learned from them, or the visit ended.
        """
        return self._keep_drops(uploads.folder_drops(files), owner, is_here)

    def add_zip(self, file: BinaryIO, owner: str, *, is_here: IsHere = lambda: True) -> OwnUpload:
        """Keep the photographs of a zip with a folder for each class, for the visit.

        Args:
            file: The zip.
            owner: The visitor.
            is_here: Asked before each photograph: True keeps the visit, False ends the work.

        Raises:
            UserError: If it is damaged, hostile, nothing can be learned from it, or the visit
                ended.
        """
        return self._keep_drops(uploads.zip_drops(file), owner, is_here)

    def dataset_photo(self, dataset: str, name: str, owner: str) -> str:
        """Keep one photograph of a data set for the visit, so that other pages can show it.

        Raises:
            UserError: If there is no such photograph.
        """
        return self._photos.add(self._datasets.read(dataset, name), owner)

    # -- data sets and models ---------------------------------------------------------------

    def datasets(self) -> list[DatasetStatus]:
        """The data sets there are: the catalogue's, then what else lies in ``TL_DATA_DIR``."""
        return self._datasets.entries()

    def own_models(self, owner: str) -> dict[str, str]:
        """The labels of the models this visitor has trained or loaded, by their keys."""
        return {model.key: model.label for model in self._store.own_models(owner)}

    def save_model(self, key: str) -> bytes:
        """A visitor's model as a safetensors file, with its classes and how it was trained.

        Raises:
            UserError: If the model is no longer in memory.
        """
        return save_model(self._store.load(key))

    def settings_of(self, key: str) -> str:
        """The settings in the file of a visitor's model, as JSON.

        Raises:
            UserError: If the model is no longer in memory.
        """
        return settings_of(self._store.load(key))

    def plain_pytorch(self, key: str) -> str:
        """Ten lines of PyTorch that load the file of a visitor's model.

        Raises:
            UserError: If the model is no longer in memory.
        """
        return plain_pytorch(self._store.load(key))

    def load_model(self, data: bytes, owner: str) -> str:
        """Take in a file that ``save_model`` wrote; return the model's key.

        Raises:
            UserError: If the file is not exactly that.
        """
        key = f"{OWN}{uuid.uuid4().hex}"
        loading = self._pool.submit(partial(load_model, data, self._store, key=key, owner=owner))
        self._store.adopt(key, loading.result())
        return key

    # -- what there is ---------------------------------------------------------------------

    def backbones(self) -> list[BackboneStatus]:
        """Every backbone of the catalogue with its state, in the catalogue's order."""
        return [
            BackboneStatus(row, self._state(row), self._downloads.get(Download(name=row.key)))
            for row in self._store.rows.values()
        ]

    def finish_checks(self) -> None:
        """Wait until every file of weights was compared with its checksum."""
        self.backbones()
        wait(list(self._checks.values()))

    def row(self, key: str) -> BackboneRow:
        """The catalogue's row of a backbone, or of the one that a visitor's model grew from.

        Raises:
            UserError: If there is no such backbone (any more).
        """
        return self._store.row(key)

    def classes(self, key: str) -> tuple[str, ...]:
        """The names of a backbone's classes, by index.

        Raises:
            UserError: If there is no such backbone (any more).
        """
        return self._store.classes(key)

    def channel_counts(self, key: str) -> Mapping[str, int]:
        """How many channels each layer of a backbone has that can be looked into, by its name.

        Raises:
            UserError: If there is no such backbone (any more).
        """
        return channel_counts(self._store.row(key))

    def ready_backbones(self) -> list[BackboneRow]:
        """The rows that can be used now."""
        return self._store.ready()

    def status(self) -> LabStatus:
        """Device, memory, queue and visitors, for a status line."""
        counts = self._scheduler.counts()
        return LabStatus(
            device=device_name(self.device),
            memory_mb=_resident_mb(),
            queued=counts[JobState.QUEUED],
            running=counts[JobState.RUNNING],
            paused=counts[JobState.PAUSED],
            visitors=self._visits.count(),
            trouble=self._worker.trouble(),
        )

    def readiness(self) -> str:
        """Say in a sentence why nothing can run now; empty while all is well."""
        return str(self._worker.trouble() or "")

    # -- visits ----------------------------------------------------------------------------

    def touch(self, visitor: str) -> None:
        """Note that the visitor is here; without a touch for a while the visit ends."""
        self._visits.touch(visitor)

    def forget(self, visitor: str) -> None:
        """End a visit: its jobs stop, its photographs and models are dropped.

        Waits until the jobs have stopped: their last slice may keep something of the visitor's.
        """
        self._photos.stop_adding(visitor)
        for job in self._scheduler.leave(visitor):
            if job.spec.uses_network and job.wait(_GOODBYE_S) and job.aside is not None:
                wait([job.aside], _GOODBYE_S)
        self._photos.forget(visitor)
        self._store.forget(visitor)
        self._context.embeddings.forget(visitor)
        self._answers.forget(self._staleness.is_stale)

    def close(self) -> None:
        """Stop the worker after its slice and end every open job."""
        self._visits.close()
        self._photos.stop_adding()
        self._worker.close(_GOODBYE_S)
        self._pool.close()

    def __enter__(self) -> "Lab":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _keep_drops(self, drops: Iterable[Drop], owner: str, is_here: IsHere) -> OwnUpload:
        def while_here() -> Iterator[Drop]:
            for drop in drops:
                if is_here():
                    self.touch(owner)
                else:
                    self._photos.stop_adding(owner)
                yield drop

        return uploads.keep_drops(while_here(), self._photos, owner, self.settings.max_pixels)

    def _explain(self, error: BaseException) -> UserError | None:
        if isinstance(error, torch.OutOfMemoryError):
            torch.cuda.empty_cache()
            return UserError(
                "The graphics card has no memory left for this. Choose a smaller network or size."
            )
        if is_device_gone(error):
            self._worker.note_broken()
            return self._worker.trouble()
        return None

    def _submit_download(self, spec: Spec, owner: str) -> Job:
        with self._downloads_lock:
            going = self._downloads.get(spec)
            if going and not going.is_over and self._scheduler.join(going, owner):
                return going
            job = self._downloads[spec] = self._scheduler.submit(spec, owner)
            return job

    def _state(self, row: BackboneRow) -> BackboneState:
        if not self._store.fits(row):
            return BackboneState.TOO_LARGE
        weights = self._store.weights(row)
        if weights is WeightsState.READY:
            return BackboneState.READY
        download = self._downloads.get(Download(name=row.key))
        if download is not None and not download.is_over:
            return BackboneState.DOWNLOADING
        if weights is WeightsState.UNREAD:
            self._check(row)
            return BackboneState.CHECKING
        if weights is WeightsState.DAMAGED:
            return BackboneState.DAMAGED
        if download is None or download.state is JobState.CANCELLED:
            return BackboneState.DOWNLOADABLE
        return BackboneState.OFFLINE

    def _check(self, row: BackboneRow) -> None:
        """Have a large file read beside the pages, unless that is under way."""
        under_way = self._checks.get(row.key)
        if under_way is None or under_way.done():
            self._checks[row.key] = self._pool.submit(self._store.check, row)


def _resident_mb() -> int:
    return int(psutil.Process().memory_info().rss) // 2**20
