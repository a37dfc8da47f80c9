"""The one door: builds and closes a lab, whose five nouns pages and commands use."""

import math
import time
from collections.abc import Callable
from concurrent.futures import wait
from dataclasses import dataclass

import torch

from tl_core.api.backbones import Backbones, BackboneState, BackboneStatus
from tl_core.api.datasets import Datasets
from tl_core.api.jobs import Jobs
from tl_core.api.models import Models
from tl_core.api.preparation import Preparation, names_to_prepare
from tl_core.backbones.catalogue import BackboneRow, PackagedWeights
from tl_core.backbones.store import BackboneStore
from tl_core.context import Context
from tl_core.cores import (
    WorkerThreads,
    flush_subnormals,
    stay_on_one_core,
    take_turns_quickly,
    usable_cores,
)
from tl_core.datasets.store import DatasetStatus, DatasetStore
from tl_core.datasets.uploads import OwnUpload
from tl_core.device import (
    choose_device,
    device_name,
    is_device_gone,
    is_out_of_memory,
)
from tl_core.downloads import visitor_downloads
from tl_core.engine.answers import Answers
from tl_core.engine.awake import AwakeClock
from tl_core.engine.job import Job, JobState
from tl_core.engine.memory import MemoryRow, VisitorMemory
from tl_core.engine.pool import Pool
from tl_core.engine.scheduler import Scheduler
from tl_core.engine.visits import Visits
from tl_core.engine.worker import Worker
from tl_core.errors import Phrase, UserError, gettext_noop
from tl_core.errors import gettext_noop as N_
from tl_core.estimates import Estimates
from tl_core.handlers import make_runner
from tl_core.images.photo_store import PhotoStore
from tl_core.leftovers import delete_leftovers
from tl_core.process_memory import (
    FreedMemory,
    give_back_freed_memory,
    keep_freed_memory,
    keep_little_freed_memory,
    process_bytes,
)
from tl_core.settings import Settings
from tl_core.staleness import Staleness

__all__ = [
    "BackboneRow",
    "BackboneState",
    "BackboneStatus",
    "DatasetStatus",
    "Job",
    "JobState",
    "Lab",
    "LabStatus",
    "MemoryRow",
    "OwnUpload",
    "PackagedWeights",
    "Phrase",
    "Settings",
    "UserError",
    "gettext_noop",
]

_CARDS = ("CUDA", "CUBLAS", "CUDNN", "MPS")  # in the words of their libraries
_SMALL_MB = 2048  # a process that may not grow larger
_STOP_S = 10.0  # longer than any slice
_REFUSED = N_(
    "The lab is about to restart and starts nothing new. Please try again in a few minutes."
)
_ENDING = N_(
    "The lab is about to restart: what runs now may go on for {seconds} seconds, and nothing new "
    "starts. Save what you want to keep."
)


@dataclass(frozen=True, slots=True)
class LabStatus:
    """What the lab runs on and how busy it is."""

    device: str
    cores: int  # of the processor that it computes on; 0 on a graphics card
    memory_mb: int  # of this process
    queued: int
    running: int
    paused: int
    visitors: int
    trouble: UserError | None  # why nothing new can run now


class Lab:
    """Owns the worker, the pool and everything kept between jobs; thread-safe.

    Use it as a context manager, or ``close`` it; a lab that is not closed ends with its process.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings.from_env()
        self.device = choose_device(self.settings.device)
        is_small = self.settings.process_memory_mb < _SMALL_MB
        (keep_little_freed_memory if is_small else keep_freed_memory)()
        stay_on_one_core()
        take_turns_quickly()
        awake = AwakeClock()
        self._visits = Visits(
            timeout_s=self.settings.visit_timeout_s,
            keep_s=self.settings.visit_resume_s,
            on_away=self.set_aside,
            on_gone=self.forget,
            clock=awake,
        )
        self._on_forgotten: Callable[[str], None] = lambda _visitor: None
        self.memory = VisitorMemory(
            self.settings.visitor_memory_mb * 2**20,
            away=self._visits.away,
            end_visit=self._visits.end_if_away,
        )
        self.photos = PhotoStore(
            self.settings.photo_memory_mb * 2**20,
            self.settings.max_pixels,
            decoded_bytes=self.settings.decoded_memory_mb * 2**20,
            require_share=self.memory.require,
        )
        self._pool = Pool(photo_threads=usable_cores(), prepare_thread=_flushing(stay_on_one_core))
        self._context = Context(
            self.settings,
            self.device,
            BackboneStore(self.settings, self.device),
            self.photos,
            DatasetStore(self.settings),
            self._pool,
            self.memory,
            lambda: self.jobs.poll_s(),
        )
        self._answers = Answers(self.settings.answer_memory_mb * 2**20)
        self._staleness = Staleness(self._context.backbones, self.photos, self._context.datasets)
        threads = WorkerThreads(usable_cores())
        freed = FreedMemory(self.settings.process_memory_mb * 2**20)

        def after_slice(clock_s: float, thread_s: float, process_s: float) -> None:
            threads.note(clock_s, thread_s, process_s)
            freed.look()

        self._scheduler = Scheduler(
            lambda job: make_runner(job, self._context),
            self.settings,
            explain=self._explain,
            after_slice=after_slice,
            clock=awake,
        )
        self._worker = Worker(
            self._scheduler,
            name=f"lab-worker-{self.device}",
            hang_s=self.settings.hang_s,
            prepare_thread=_flushing(threads.begin),
            exits_on_hang=self.settings.exit_on_hang,
        )
        self.jobs = Jobs(
            self._scheduler,
            self._worker,
            self._answers,
            self._staleness,
            Estimates(self.device),
            self._context.backbones,
            visitor_downloads(
                self.settings.visitor_downloads,
                [*self._context.backbones.rows, *self._context.datasets.rows],
            ),
        )
        self.backbones = Backbones(self._context.backbones, self.jobs, self._pool)
        self.models = Models(self._context.backbones, self._pool, self.memory, self.settings)
        self.datasets = Datasets(
            self._context.datasets, self.photos, self.settings, self._visits.touch
        )
        self._preparation = Preparation(self.jobs, self.backbones, self.datasets)
        self._ends_at: float | None = None  # once the process was asked to end
        self._count_memory()
        self._worker.start()
        self._visits.start()
        self._pool.submit_download(delete_leftovers, self._context)
        self.backbones.rows()  # has large files of weights read before the first page asks

    def _count_memory(self) -> None:
        """Have everything counted that visitors make the lab keep."""
        settings, context = self.settings, self._context
        for kind, held, budget_mb in (
            ("photographs", self.photos.held, settings.photo_memory_mb),
            ("own models", context.backbones.held, settings.model_memory_mb),
            ("runs", self._scheduler.held, settings.run_memory_mb),
            ("finished pictures", self.memory.noted, settings.gallery_memory_mb),
            ("own embeddings", context.embeddings.held, settings.feature_memory_mb),
            ("decoded photographs", self.photos.decoded, settings.decoded_memory_mb),
            ("feature maps", context.activations.held, settings.activation_memory_mb),
            ("answers", self._answers.held, settings.answer_memory_mb),
        ):
            self.memory.count(kind, held, budget_mb * 2**20)

    def status(self) -> LabStatus:
        """Device, memory, queue and visitors, for a status line."""
        counts = self._scheduler.counts()
        return LabStatus(
            device=device_name(self.device),
            cores=usable_cores() if self.device.type == "cpu" else 0,
            memory_mb=process_bytes() // 2**20,
            queued=counts[JobState.QUEUED],
            running=counts[JobState.RUNNING],
            paused=counts[JobState.PAUSED],
            visitors=self._visits.count(),
            trouble=self._trouble(),
        )

    def readiness(self) -> str:
        """Say in a sentence why nothing new can run now; empty while all is well."""
        return str(self._trouble() or "")

    def prepare(self) -> None:
        """Begin to download what ``settings.prepare`` names and is not here yet; returns at once.

        Raises:
            UserError: If nothing is called that.
        """
        names = names_to_prepare(self.settings.prepare)
        if names:
            self._preparation.start(names)

    def begin_end(self) -> None:
        """Say that the lab closes in ``settings.end_s``, and take only quick questions until then.

        What waits for its turn fails in a sentence; what runs goes on.
        """
        self._ends_at = time.monotonic() + self.settings.end_s
        self._preparation.close()
        self._scheduler.refuse_runs(UserError(_REFUSED))

    def has_runs(self) -> bool:
        """Whether a run is at work, which is no quick question and no download, and not paused."""
        return self._scheduler.has_runs()

    def touch(self, visitor: str) -> None:
        """Note that the visitor is here; without a touch for a while the visit ends."""
        self._visits.touch(visitor)

    def resume(self, visitor: str) -> bool:
        """Note that a visitor is back; ``False`` where the visit has ended meanwhile."""
        return self._visits.resume(visitor)

    def end(self, visitor: str) -> None:
        """End a visit that nobody will come back to; does not wait until all is forgotten."""
        self._scheduler.leave(visitor)
        self._visits.end(visitor)

    def tell_when_forgotten(self, listener: Callable[[str], None]) -> None:
        """Have ``listener`` called with each visitor whose visit ends; there is one listener."""
        self._on_forgotten = listener

    def set_aside(self, visitor: str) -> None:
        """Pause the runs of a visitor who is away, and stop what they were adding or asking."""
        self.photos.stop_adding(visitor)
        self._scheduler.set_aside(visitor)

    def stop(self, visitor: str) -> None:
        """Stop what a visitor has running or is adding; photographs and models stay.

        Waits until the jobs have stopped: their last slice may keep something of the visitor's.
        """
        self.photos.stop_adding(visitor)
        for job in self._scheduler.leave(visitor):
            if job.spec.uses_network and job.wait(_STOP_S) and job.pool_work is not None:
                wait([job.pool_work], _STOP_S)

    def forget(self, visitor: str) -> None:
        """End a visit: its jobs stop, its photographs and models are dropped."""
        self._on_forgotten(visitor)
        self.stop(visitor)
        self._context.backbones.forget(visitor)
        self.memory.forget(visitor)
        self.forget_photos(visitor)

    def forget_photos(self, visitor: str) -> None:
        """Drop a visitor's photographs and the answers about them; jobs keep what they have read.

        A photograph that another visitor has dropped too stays theirs.
        """
        self.photos.forget(visitor)
        self._context.embeddings.forget(visitor)
        self._answers.forget(self._staleness.is_stale)

    def give_back_memory(self) -> None:
        """Give the system what large files that were dropped have left free; a few milliseconds."""
        give_back_freed_memory()

    def close(self) -> None:
        """Stop the worker after its slice and end every open job."""
        self._visits.close()
        self._preparation.close()
        self.photos.stop_adding()
        self._worker.close(_STOP_S)
        self._pool.close()

    def __enter__(self) -> "Lab":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _trouble(self) -> UserError | None:
        trouble = self._worker.trouble()
        if trouble is None and self._ends_at is not None:
            left_s = max(self._ends_at - time.monotonic(), 0.0)
            return UserError(_ENDING, seconds=math.ceil(left_s))
        return trouble

    def _explain(self, error: BaseException) -> UserError | None:
        if is_out_of_memory(error):
            return _no_memory(error)
        if is_device_gone(error):
            self._worker.note_broken()
            return self._worker.trouble()
        return None


def _flushing(begin: Callable[[], None]) -> Callable[[], None]:
    """What prepares a thread that computes with visitors' numbers, which may be of any size."""

    def prepare() -> None:
        flush_subnormals()
        begin()

    return prepare


def _no_memory(error: BaseException) -> UserError:
    if isinstance(error, torch.OutOfMemoryError) or any(name in str(error) for name in _CARDS):
        torch.cuda.empty_cache()
        return UserError(
            "The graphics card has no memory left for this. Choose a smaller network or size."
        )
    return UserError(
        "This machine has no memory left for this just now. Try again once other work has ended, "
        "or choose a smaller network or size."
    )
