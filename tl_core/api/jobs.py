"""``lab.jobs``: submit runs, ask questions, and know how long they take."""

import math
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import cast

from tl_core.api.estimates import Estimates
from tl_core.api.ownership import Ownership
from tl_core.api.staleness import Staleness
from tl_core.compute import Compute
from tl_core.engine.answers import Answers
from tl_core.engine.job import Job, SpecT
from tl_core.engine.queueing import poll_s
from tl_core.errors import UserError
from tl_core.specs.base import Spec
from tl_core.specs.classify import Classify
from tl_core.specs.datasets import ImportData
from tl_core.specs.download import OPERATOR, Download
from tl_core.specs.training import FineTune

ASK_S = 2.0  # a question not answered within this becomes a polled job


def visitor_downloads(setting: str, names: Collection[str]) -> frozenset[str] | None:
    """Return which of ``names`` visitors may start to download; ``None`` for whatever there is.

    Args:
        setting: ``Settings.visitor_downloads``.
        names: Everything in the catalogues.

    Raises:
        UserError: If the setting has a name that is not among them.
    """
    if setting == "all":
        return None
    allowed = {name.strip() for name in setting.split(",")} - {"", "none"}
    for name in sorted(allowed.difference(names)):
        raise UserError(
            "TL_VISITOR_DOWNLOADS can't take {name}. Use all, none, or names separated by commas. "
            "Choose from: {names}.",
            name=name,
            names=", ".join(names),
        )
    return frozenset(allowed)


@dataclass(eq=False, repr=False)
class Jobs:
    """Runs and questions of all visitors; thread-safe."""

    _compute: Compute
    _answers: Answers
    _staleness: Staleness
    _estimates: Estimates
    _ownership: Ownership
    _visitor_downloads: frozenset[str] | None = None  # names that visitors may start; None: all
    _downloads: dict[Spec, Job] = field(default_factory=dict)  # the newest of each
    _downloads_lock: threading.Lock = field(default_factory=threading.Lock)

    def submit(self, spec: SpecT, owner: str) -> Job[SpecT]:
        """Queue a run; equal downloads are one download.

        Raises:
            UserError: If the spec asks for what does not exist, is another visitor's or visitors
                may not download, or the lab is too busy.
        """
        self._ownership.require(spec, owner)
        trouble = self._compute.trouble()
        if trouble is not None:
            raise trouble
        if isinstance(spec, Download | ImportData):
            name = spec.name if isinstance(spec, Download) else spec.dataset
            if owner != OPERATOR and not self.visitors_may_download(name):
                raise UserError(
                    "Visitors can't start the download of {name} in this lab. The person who runs "
                    "the lab can get it with python -m tl_core prepare {name}.",
                    name=name,
                )
            return self._submit_download(spec, owner)
        row = self._compute.networks.row(spec.backbone)
        job = self._compute.queue.submit(spec, owner)
        if spec.is_run:
            self._estimates.follow(job, row)
        elif isinstance(spec, Classify):
            self._estimates.follow_look(job, row)
        return job

    def ask(self, spec: SpecT, owner: str, *, timeout_s: float = ASK_S) -> Job[SpecT]:
        """Ask a short question: the job is usually over when this returns, at most in ``ASK_S``.

        Raises:
            UserError: As ``submit``.
        """
        self._ownership.require(spec, owner)  # of an answer that is kept, too
        stamp = self._staleness.stamp(spec)
        job = self._answers.job_for(spec, owner, self.submit, self._compute.queue.join, stamp=stamp)
        job.wait(timeout_s)
        return job

    def leave(self, job: Job, owner: str) -> None:
        """Give up a job that others may share: it goes on for them, and is cancelled without."""
        self._compute.queue.withdraw(job, owner)

    def of(self, owner: str) -> list[Job]:
        """The visitor's jobs that are not over, oldest first."""
        return self._compute.queue.jobs_of(owner)

    def poll_s(self) -> float:
        """Seconds between two looks at a run: more where there are many."""
        return poll_s(self._compute.queue.counts())

    def download(self, name: str) -> Job | None:
        """The newest download of a backbone or data set, running or ended."""
        found = self._downloads.get(Download(name=name))
        return found or self._downloads.get(ImportData(dataset=name))

    def visitors_may_download(self, name: str) -> bool:
        """Whether visitors may start the download of a backbone or data set."""
        return self._visitor_downloads is None or name in self._visitor_downloads

    def estimate_range_s(self, specs: Sequence[Spec]) -> tuple[float, float]:
        """``estimate_s`` at the highest and the lowest speed of the newest runs on the network."""
        seconds, fast, slow = self.estimate_s(specs), 1.0, 1.0
        if specs:
            row = self._compute.networks.row(specs[0].backbone)
            fast, slow = self._estimates.spread(row.key)
        return fast * seconds, slow * seconds

    def estimate_s(self, specs: Sequence[Spec]) -> float:
        """About how long runs would take if they were submitted now, in seconds.

        Pictures of one batch advance together, everyone else's runs take turns with them; at the
        speed of the newest run on the same backbone, before there is one at a guess from its size.
        An attack may end before its last step, and then takes less.
        """
        return self._estimates.seconds(
            [(spec, self._compute.networks.row(spec.backbone)) for spec in specs]
        )

    def training_s(self, spec: FineTune, classes: Sequence[tuple[int, int]]) -> float:
        """About how long a training takes with nobody else here, in seconds.

        ``classes`` has of each the photographs to learn from and those kept for validation.
        """
        most = spec.photos_per_class or math.inf
        train = sum(int(min(count, most)) for count, _validation in classes)
        validation = sum(count for _train, count in classes)
        row = self._compute.networks.row(spec.backbone)
        return self._estimates.training_s(spec, row, train, validation)

    def look_ms(self, backbone: str) -> float:
        """Milliseconds of the network's fastest answer so far, whoever asked; else infinity.

        How long the answer about one photograph took would tell that somebody had asked before.
        """
        return 1000 * self._estimates.look_s(self._compute.networks.row(backbone).key)

    def wait_s(self, job: Job) -> float:
        """About how long a queued run still waits before it starts, in seconds."""
        return self._estimates.wait_s(job)

    def _submit_download(self, spec: SpecT, owner: str) -> Job[SpecT]:
        with self._downloads_lock:
            going = self._downloads.get(spec)
            if going and not going.is_over and self._compute.queue.join(going, owner):
                return cast(Job[SpecT], going)
            job = self._compute.queue.submit(spec, owner)
            self._downloads[spec] = job
            return job
