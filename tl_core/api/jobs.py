"""``lab.jobs``: submit runs, ask questions, and know how long they take."""

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from tl_core.backbones.store import BackboneStore
from tl_core.engine.answers import Answers
from tl_core.engine.job import Job, JobState, SpecT
from tl_core.engine.scheduler import Scheduler
from tl_core.engine.worker import Worker
from tl_core.errors import UserError
from tl_core.estimates import Estimates
from tl_core.specs import Download, ImportData, Spec
from tl_core.specs.download import OPERATOR
from tl_core.staleness import Staleness

_POLLS = ((4, 0.5), (8, 1.0), (math.inf, 2.0))  # seconds, with so many runs at most
ASK_S = 2.0  # a question not answered within this becomes a polled job


@dataclass(eq=False, repr=False)
class Jobs:
    """Runs and questions of all visitors; thread-safe."""

    _scheduler: Scheduler
    _worker: Worker
    _answers: Answers
    _staleness: Staleness
    _estimates: Estimates
    _backbones: BackboneStore
    _visitor_downloads: frozenset[str] | None = None  # names that visitors may start; None: all
    _downloads: dict[Spec, Job] = field(default_factory=dict)  # the newest of each
    _downloads_lock: threading.Lock = field(default_factory=threading.Lock)

    def submit(self, spec: SpecT, owner: str) -> Job[SpecT]:
        """Queue a run; equal downloads are one download.

        Raises:
            UserError: If the spec asks for what does not exist or visitors may not download, or the
                lab is too busy.
        """
        trouble = self._worker.trouble()
        if trouble is not None:
            raise trouble
        if isinstance(spec, Download | ImportData):
            name = spec.name if isinstance(spec, Download) else spec.dataset
            if owner != OPERATOR and not self.visitors_may_download(name):
                raise UserError(
                    "Visitors of this lab do not start the download of {name}. Whoever runs the "
                    "lab can get it with python -m tl_core prepare {name}.",
                    name=name,
                )
            return self._submit_download(spec, owner)
        row = self._backbones.row(spec.backbone)
        job = self._scheduler.submit(spec, owner)
        if spec.uses_network and not spec.is_quick:
            self._estimates.follow(job, row)
        return job

    def ask(self, spec: SpecT, owner: str, *, timeout_s: float = ASK_S) -> Job[SpecT]:
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

    def of(self, owner: str) -> list[Job]:
        """The visitor's jobs that are not over, oldest first."""
        return self._scheduler.jobs_of(owner)

    def count(self) -> int:
        """How many jobs of all visitors are queued or running."""
        counts = self._scheduler.counts()
        return counts[JobState.QUEUED] + counts[JobState.RUNNING]

    def poll_s(self) -> float:
        """Seconds between two looks at a run, and two pictures of it: more where there are many.

        A look takes time that the runs need.
        """
        count = self.count()
        return next(seconds for most, seconds in _POLLS if count <= most)

    def download(self, name: str) -> Job | None:
        """The newest download of a backbone or data set, running or ended."""
        found = self._downloads.get(Download(name=name))
        return found or self._downloads.get(ImportData(dataset=name))

    def visitors_may_download(self, name: str) -> bool:
        """Whether visitors may start the download of a backbone or data set."""
        return self._visitor_downloads is None or name in self._visitor_downloads

    def estimate_s(self, specs: Sequence[Spec]) -> float:
        """About how long runs would take if they were submitted now, in seconds.

        Pictures of one batch advance together, everyone else's runs take turns with them; at the
        speed of the newest run on the same backbone, before there is one at a guess from its size.
        An attack may end before its last step, and then takes less.
        """
        return self._estimates.seconds(
            [(spec, self._backbones.row(spec.backbone)) for spec in specs]
        )

    def wait_s(self, job: Job) -> float:
        """About how long a queued run still waits before it starts, in seconds."""
        return self._estimates.wait_s(job)

    def _submit_download(self, spec: SpecT, owner: str) -> Job[SpecT]:
        with self._downloads_lock:
            going = self._downloads.get(spec)
            if going and not going.is_over and self._scheduler.join(going, owner):
                return cast(Job[SpecT], going)
            job = self._scheduler.submit(spec, owner)
            self._downloads[spec] = job
            return job
