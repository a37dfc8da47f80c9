"""What a machine of the cluster holds: the worker, its networks, the jobs of all app servers."""

import logging
import os
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.build import imagenet_classes
from tl_core.backbones.catalogue import BackboneRow
from tl_core.backbones.store import OwnModel
from tl_core.cluster.disk import DiskWatch
from tl_core.cluster.jobs_of_server import JobsOfServer
from tl_core.cluster.messages import (
    About,
    Begin,
    Controls,
    Known,
    Load,
    News,
    Order,
    OwnInfo,
    OwnParts,
    Payload,
    Ref,
    code_version,
)
from tl_core.engine.awake import TICK_S, AwakeClock
from tl_core.engine.job import FINAL, Job, JobState
from tl_core.engine.memory import VisitorMemory
from tl_core.errors import UserError
from tl_core.errors import gettext_noop as N_
from tl_core.images.photo_store import PhotoStore
from tl_core.local.compute import LocalCompute
from tl_core.settings import Settings
from tl_core.training.model_file import load_model, save_model

log = logging.getLogger(__name__)

HAND_OVER_S = 3.0  # between two states of a picture that others can go on from
LOOK_S = 0.05  # between two looks at what is new
QUIET_S = 0.1  # least between two answers, unless a job has ended
_CLOSE_S = 10.0
_FETCHING_THREADS = 4
_NOT_CONNECTED = N_("One of the cluster's machines restarted before it answered. Please try again.")


class Host:
    """The jobs of several app servers on one device; thread-safe, made once in a process.

    Each app server has a name for every connection. ``take`` gets its orders, ``news`` answers
    with what it does not know yet.
    """

    def __init__(
        self, settings: Settings, *, node: str, cores: int, fetch: Callable[[Ref], Any]
    ) -> None:
        self._settings = settings
        self._node = node
        self._fetch = fetch
        self._boot = uuid.uuid4().hex
        self._clock = AwakeClock()  # no app server is gone while this process stood still
        memory = VisitorMemory(settings.visitor_memory_mb * 2**20)
        self.photos = PhotoStore(
            settings.photo_memory_mb * 2**20,
            settings.max_pixels,
            decoded_bytes=settings.decoded_memory_mb * 2**20,
        )
        self.compute = LocalCompute(
            settings, self.photos, memory, self._clock, cores=cores, hand_over_s=HAND_OVER_S
        )
        for kind, held, budget_mb in self.compute.kept():
            memory.count(kind, held, budget_mb * 2**20)
        self._servers: dict[str, JobsOfServer] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._fetching = ThreadPoolExecutor(_FETCHING_THREADS, thread_name_prefix="lab-fetch")
        self._disk = DiskWatch(self.compute)
        self.compute.start()
        threading.Thread(target=self._watch, name="lab-servers", daemon=True).start()

    def about(self) -> About:
        """What this machine is."""
        hardware = self.compute.hardware()
        return About(code_version(), self._boot, self._node, hardware, imagenet_classes())

    def take(self, server: str, boot: str, number: int, orders: list[Order]) -> bool:
        """Take orders, each once; ``False`` where they are for another boot of this machine."""
        jobs = self._jobs_of(server, is_new=number == 1) if boot == self._boot else None
        if jobs is None:
            return False
        with jobs.ordering:
            if number <= jobs.taken:
                return True
            for order in orders:
                try:
                    self._follow(jobs, order)
                except Exception:
                    log.exception("an order was not followed")
            jobs.taken = number
        return True

    def news(self, server: str, known: Known, wait_s: float) -> News:
        """Say what is new to somebody who knows so much, or after ``wait_s`` that nothing is.

        To an app server that was taken for gone this is another boot.
        """
        jobs, begin = self._jobs_of(server, is_new=known.is_nothing), time.monotonic()
        if jobs is None:
            return News("", known, (), (), self._load(), None)
        while True:
            jobs.has_ended.clear()
            number, news = jobs.news(known.jobs)
            waited_s = time.monotonic() - begin
            has_ended = any(one.state in FINAL for one in news)
            if has_ended or waited_s >= (QUIET_S if news else wait_s) or self._closing.is_set():
                break
            jobs.has_ended.wait(LOOK_S)
        owned = self.compute.context.backbones.owned(jobs.owners)  # after the jobs that made them
        disk, disk_number = self._disk.now()
        return News(
            boot=self._boot,
            known=Known(number, max((own.number for own in owned), default=-1), disk_number),
            models=tuple(_info(own) for own in owned if own.number > known.model),
            jobs=tuple(news),
            load=self._load(),
            disk=disk if disk_number > known.disk else None,
        )

    def handed(self, server: str, jobs: list[str]) -> dict[str, bytes]:
        """What another machine needs to go on with each job, where there is something."""
        mine = self._jobs_of(server)
        found = {job: mine.handed(job) for job in jobs} if mine else {}
        return {job: data for job, data in found.items() if data is not None}

    def parts(self, key: str) -> OwnParts:
        """A visitor's model, without what its backbone has where that is here."""
        store = self.compute.context.backbones
        model = store.load(key)
        base = self._base(model.row)
        data = save_model(model, beside=base, is_for_owner=True)
        return OwnParts(_info(store.own(key)), data, base is None)

    def _base(self, row: BackboneRow) -> Backbone | None:
        store = self.compute.context.backbones
        is_here = row.key in store.rows and store.fits(row) and store.weights.is_ready(row)
        return store.load(row.key) if is_here else None

    def keep(self, parts: OwnParts) -> None:
        """Take in a visitor's model that another machine has taught."""
        store, info = self.compute.context.backbones, parts.info
        if info.key in store:
            return
        base = None if parts.is_whole else store.load(info.row.key)
        store.adopt(
            info.key,
            load_model(
                parts.data,
                store,
                key=info.key,
                owner=info.owner,
                beside=base,
                is_for_owner=True,
            ),
        )

    def load_file(self, server: str, data: bytes, owner: str) -> OwnInfo:
        """Take in a file of a model that a visitor has sent."""
        jobs = self._jobs_of(server)
        if jobs is None:
            raise UserError(_NOT_CONNECTED)
        jobs.add_owners({owner})
        key = self.compute.networks.load_file(data, owner)
        return _info(self.compute.context.backbones.own(key))

    def network(self, method: str, *arguments: Any) -> Any:
        """Ask the networks: ``save``, ``plain_pytorch`` and so on."""
        return getattr(self.compute.networks, method)(*arguments)

    def dataset(self, method: str, *arguments: Any) -> Any:
        """Ask the data sets: ``names``, ``read`` and so on."""
        return getattr(self.compute.datasets, method)(*arguments)

    def process(self) -> int:
        """The number of this process on its computer."""
        return os.getpid()

    def end(self, server: str) -> None:
        """End what belongs to an app server."""
        with self._lock:
            jobs = self._servers.pop(server, None)
            others = [other.owners for other in self._servers.values()]
        if jobs is not None:
            jobs.cancel()
            for owner in jobs.owners.difference(*others):
                self._forget(owner, everything=True)

    def close(self) -> None:
        """End every job."""
        self._closing.set()
        self.compute.close(_CLOSE_S)
        self._fetching.shutdown(cancel_futures=True)

    def _jobs_of(self, server: str, *, is_new: bool = False) -> JobsOfServer | None:
        """Find a server's jobs; those of its earlier connections go on elsewhere.

        ``None`` where the server was taken for gone, or has another connection by now.
        """
        with self._lock:
            jobs = self._servers.get(server)
            if jobs is not None or not is_new:
                return jobs
            name, _, number = server.partition(".")
            others = [other for other in self._servers if other.partition(".")[0] == name]
            if any(int(other.partition(".")[2]) > int(number) for other in others):
                return None
            ended = [self._servers.pop(other) for other in others]
            jobs = self._servers[server] = JobsOfServer(self.compute.queue, self._clock)
            jobs.add_owners(set().union(*(other.owners for other in ended)))
        for other in ended:
            other.cancel()
        return jobs

    def _follow(self, jobs: JobsOfServer, order: Order) -> None:
        if isinstance(order, Controls):
            jobs.steer(order)
        elif isinstance(order, Begin):
            jobs.expect(order.controls)
            if self._lacks(order.payload):
                self._fetching.submit(self._begin, jobs, order)
            else:
                self._begin(jobs, order)
        else:
            self._forget(order.owner, everything=order.everything)
            if order.everything:
                jobs.drop_owner(order.owner)

    def _lacks(self, payload: Payload) -> bool:
        """Whether something of a job has to be fetched."""
        store = self.compute.context.backbones
        has_photos = all(key in self.photos for key in payload.photos)
        return not has_photos or any(key not in store for key in payload.models)

    def _begin(self, jobs: JobsOfServer, order: Begin) -> None:
        controls, owner = order.controls, min(order.controls.owners)

        def begin(job: Job) -> None:
            job.current, job.saved = controls.current, order.saved

        job: Job = Job(order.spec, owner)
        try:
            if jobs.is_wanted(controls.job):
                self._fetch_for(order.payload, owner)
                job = self.compute.queue.submit(order.spec, owner, begin=begin)
            else:
                job.mark_cancelled()
        except Exception as error:  # noqa: BLE001 - whatever it is, the job's owner hears of it
            job.fail(error)
        jobs.begun(controls.job, job)

    def _fetch_for(self, payload: Payload, owner: str) -> None:
        """Have what a job needs here, its photographs as its owner's too."""
        lacking = {key: ref for key, ref in payload.photos.items() if key not in self.photos}
        fetched = self._fetch(list(lacking.values())) if lacking else []
        files = dict(zip(lacking, fetched, strict=True))
        files |= {key: self.photos.data(key) for key in payload.photos if key not in files}
        if files:
            with self.photos.adding(owner) as addition:
                addition.keep(files)
        for key, ref in payload.models.items():
            if key not in self.compute.context.backbones:
                self.keep(self._fetch(ref))

    def _forget(self, owner: str, *, everything: bool) -> None:
        self.photos.forget(owner)
        if everything:
            self.compute.queue.leave(owner)
            self.compute.forget(owner)
        else:
            self.compute.forget_photos(owner)

    def _load(self) -> Load:
        jobs = self.compute.queue.open_jobs()
        active = [job for job in jobs if job.state is not JobState.PAUSED]
        runs = [job for job in active if job.spec.is_run]
        return Load(
            questions=sum(job.spec.is_quick for job in active),
            runs=len(runs),
            waiting=sum(job.state is JobState.QUEUED for job in runs),
            batches=Counter(job.spec.batch_key for job in runs if job.spec.batch_key is not None),
            loaded=self.compute.context.backbones.loaded_keys(),
            trouble=self.compute.trouble(),
        )

    def _watch(self) -> None:
        """End what belongs to app servers that do not ask any more."""
        gone_s = self._settings.visit_timeout_s
        while not self._closing.wait(min(gone_s / 20, TICK_S)):
            before = self._clock() - gone_s
            with self._lock:
                gone = [name for name, jobs in self._servers.items() if jobs.seen_at < before]
            for name in gone:
                log.warning("an app server is gone, and what it had here ends")
                try:
                    self.end(name)
                except Exception:
                    log.exception("what an app server had here could not be ended")


def _info(own: OwnModel) -> OwnInfo:
    model = own.backbone
    return OwnInfo(
        key=model.key,
        label=model.label,
        row=model.row,
        classes=model.classes,
        owner=own.owner,
        size_bytes=own.size_bytes,
        number=own.number,
        calibration=model.calibration,
    )
