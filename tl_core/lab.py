"""Builds and closes a lab, whose five nouns pages and commands use."""

import math
import time
from collections.abc import Callable, Set
from concurrent.futures import wait
from dataclasses import dataclass

from tl_core.api.backbones import Backbones, BackboneState, BackboneStatus
from tl_core.api.datasets import Datasets
from tl_core.api.estimates import Estimates
from tl_core.api.jobs import Jobs, visitor_downloads
from tl_core.api.models import Models
from tl_core.api.ownership import Ownership
from tl_core.api.preparation import Preparation, names_to_prepare
from tl_core.api.staleness import Staleness
from tl_core.backbones.catalogue import BackboneRow, PackagedWeights
from tl_core.cluster.connect import chosen_cluster
from tl_core.compute import Compute, MachineStatus
from tl_core.datasets.catalogue import DATASETS
from tl_core.datasets.store import DatasetStatus
from tl_core.datasets.uploads import OwnUpload
from tl_core.engine.answers import Answers
from tl_core.engine.awake import AwakeClock
from tl_core.engine.job import BROKEN, Job, JobState
from tl_core.engine.memory import MemoryRow, VisitorMemory
from tl_core.engine.presence import Presence
from tl_core.errors import Phrase, UserError, gettext_noop
from tl_core.errors import gettext_noop as N_
from tl_core.images.photo_store import PhotoStore
from tl_core.machine.process_memory import give_back_freed_memory, process_bytes
from tl_core.settings import Settings

__all__ = [
    "BROKEN",
    "BackboneRow",
    "BackboneState",
    "BackboneStatus",
    "DatasetStatus",
    "Job",
    "JobState",
    "Lab",
    "LabStatus",
    "MachineStatus",
    "MemoryRow",
    "OwnUpload",
    "PackagedWeights",
    "Phrase",
    "Settings",
    "UserError",
    "gettext_noop",
]

_STOP_S = 10.0  # longer than any slice
_REFUSED = N_(
    "The lab is about to restart, so it can't start anything new. Please try again in a few "
    "minutes."
)
_ENDING = N_(
    "The lab is about to restart. Current runs can go on for {seconds} seconds, and nothing new "
    "can start. Save what you want to keep."
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
    """Owns visits, photographs and answers, and has jobs run by a ``Compute``; thread-safe.

    Use it as a context manager, or ``close`` it; a lab that is not closed ends with its process.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings.from_env()
        awake = AwakeClock()
        self._presence = Presence(
            timeout_s=self.settings.visit_timeout_s,
            keep_s=self.settings.visit_resume_s,
            on_away=self.set_aside,
            on_back=self.take_up,
            on_gone=self.forget,
            clock=awake,
        )
        self._on_forgotten: Callable[[str], None] = lambda _visitor: None
        self.memory = VisitorMemory(
            self.settings.visitor_memory_mb * 2**20,
            away=self._presence.away,
            end_visit=self._presence.end_if_away,
        )
        self.photos = PhotoStore(
            self.settings.photo_memory_mb * 2**20,
            self.settings.max_pixels,
            decoded_bytes=self.settings.decoded_memory_mb * 2**20,
            require_share=self.memory.require,
        )
        self._compute = self._make_compute(awake)
        networks, datasets = self._compute.networks, self._compute.datasets
        self._answers = Answers(self.settings.answer_memory_mb * 2**20)
        self._staleness = Staleness(networks, self.photos, datasets)
        downloads = [*networks.rows, *(row.key for row in DATASETS)]
        self.jobs = Jobs(
            self._compute,
            self._answers,
            self._staleness,
            Estimates(on_cpu=self._compute.hardware().is_cpu, beside=self._compute.others),
            Ownership(networks, self.photos),
            visitor_downloads(self.settings.visitor_downloads, downloads),
        )
        self.backbones = Backbones(networks, self.jobs)
        self.models = Models(networks, self.settings)
        self.datasets = Datasets(datasets, self.photos, self.settings, self._presence.touch)
        self._preparation = Preparation(self.jobs, self.backbones, self.datasets)
        self._ends_at: float | None = None  # once the process was asked to end
        self._count_memory()
        self._compute.start()
        self._presence.start()
        self.backbones.rows()  # has large files of weights read before the first page asks

    def _make_compute(self, awake: AwakeClock) -> Compute:
        cluster = chosen_cluster(self.settings.cluster, self.settings.device)
        if cluster:
            from tl_core.cluster.compute import ClusterCompute  # here: it imports Ray

            return ClusterCompute(cluster, self.settings, self.photos)
        from tl_core.local.compute import LocalCompute  # here: it imports torch

        return LocalCompute(self.settings, self.photos, self.memory, awake)

    def _count_memory(self) -> None:
        """Have everything counted that visitors make the lab keep."""
        for kind, held, budget_mb in (
            ("photographs", self.photos.held, self.settings.photo_memory_mb),
            *self._compute.kept(),
            ("finished pictures", self.memory.noted, self.settings.gallery_memory_mb),
            ("decoded photographs", self.photos.decoded, self.settings.decoded_memory_mb),
            ("answers", self._answers.held, self.settings.answer_memory_mb),
        ):
            self.memory.count(kind, held, budget_mb * 2**20)

    def status(self) -> LabStatus:
        """Device, memory, queue and visitors, for a status line."""
        counts, hardware = self._compute.queue.counts(), self._compute.hardware()
        return LabStatus(
            device=hardware.name,
            cores=hardware.cores,
            memory_mb=process_bytes() // 2**20,
            queued=counts[JobState.QUEUED],
            running=counts[JobState.RUNNING],
            paused=counts[JobState.PAUSED],
            visitors=self._presence.count(),
            trouble=self._trouble(),
        )

    def machines(self) -> list[MachineStatus]:
        """The machines of the cluster that jobs run on; none where they run in this process."""
        return self._compute.machines()

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
        self._compute.queue.refuse_runs(UserError(_REFUSED))

    def has_runs(self) -> bool:
        """Whether a run is at work, which is no quick question and no download, and not paused."""
        return self._compute.queue.has_runs()

    def touch(self, visitor: str) -> None:
        """Note that the visitor is here; without a touch for a while the visit ends."""
        self._presence.touch(visitor)

    def note_absent(self, visitors: Set[str]) -> None:
        """Note who has no tab open just now: their runs give up their places for others'.

        Nor are they counted among the visitors.
        """
        self._presence.note_absent(visitors)
        self._compute.queue.note_absent(visitors)

    def resume(self, visitor: str) -> bool:
        """Note that a visitor is back; ``False`` where the visit has ended meanwhile."""
        return self._presence.resume(visitor)

    def end(self, visitor: str) -> None:
        """End a visit that nobody will come back to; does not wait until all is forgotten."""
        self._compute.queue.leave(visitor)
        self._presence.end(visitor)

    def tell_when_forgotten(self, listener: Callable[[str], None]) -> None:
        """Have ``listener`` called with each visitor whose visit ends; there is one listener."""
        self._on_forgotten = listener

    def set_aside(self, visitor: str) -> None:
        """Pause the runs of a visitor who is away, and stop what they were adding or asking."""
        self.photos.stop_adding(visitor)
        self._compute.queue.set_aside(visitor)

    def take_up(self, visitor: str) -> None:
        """Go on with the runs of a visitor who is back, but for those that they paused."""
        self._compute.queue.take_up(visitor)

    def stop(self, visitor: str) -> None:
        """Stop what a visitor has running or is adding; photographs and models stay.

        Waits until the jobs have stopped: their last slice may keep something of the visitor's.
        """
        self.photos.stop_adding(visitor)
        for job in self._compute.queue.leave(visitor):
            if job.spec.uses_network and job.wait(_STOP_S) and job.pool_work is not None:
                wait([job.pool_work], _STOP_S)

    def forget(self, visitor: str) -> None:
        """End a visit: its jobs stop, its photographs and models are dropped."""
        self._on_forgotten(visitor)
        self.stop(visitor)
        self._compute.forget(visitor)
        self.memory.forget(visitor)
        self.forget_photos(visitor)

    def forget_photos(self, visitor: str) -> None:
        """Drop a visitor's photographs and the answers about them; jobs keep what they have read.

        A photograph that another visitor has dropped too stays theirs.
        """
        self.photos.forget(visitor)
        self._compute.forget_photos(visitor)
        self._answers.forget(self._staleness.is_stale)

    def give_back_memory(self) -> None:
        """Give the system what large files that were dropped have left free; a few milliseconds."""
        give_back_freed_memory()

    def close(self) -> None:
        """Stop the worker after its slice and end every open job."""
        self._presence.close()
        self._preparation.close()
        self.photos.stop_adding()
        self._compute.close(_STOP_S)

    def __enter__(self) -> "Lab":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _trouble(self) -> UserError | None:
        trouble = self._compute.trouble()
        if trouble is None and self._ends_at is not None:
            left_s = max(self._ends_at - time.monotonic(), 0.0)
            return UserError(_ENDING, seconds=math.ceil(left_s))
        return trouble
