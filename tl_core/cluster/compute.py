"""Jobs on a cluster: one actor for each graphics card, or for some cores, holds the networks."""

import logging
import threading
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil

from tl_core.cluster.client import MachineClient
from tl_core.cluster.connect import NAMESPACE, connect
from tl_core.cluster.datasets import ClusterDatasets
from tl_core.cluster.machines import Machines, divide
from tl_core.cluster.messages import Forget, News, Payload, Ref
from tl_core.cluster.networks import ClusterNetworks
from tl_core.cluster.placement import choose, files_of, networks_of
from tl_core.cluster.queue import ClusterQueue
from tl_core.compute import Hardware, Kept, MachineStatus
from tl_core.datasets.store import DatasetStore
from tl_core.engine.job import Job
from tl_core.errors import UserError
from tl_core.errors import gettext_noop as N_
from tl_core.images.photo_store import PhotoStore
from tl_core.settings import Settings
from tl_core.specs.base import Spec, photo_keys
from tl_core.specs.datasets import ImportData
from tl_core.specs.download import Download

log = logging.getLogger(__name__)

ROOT = Path(__file__).parents[2]
GROUPS = {"news": 200, "other": 32}  # threads; each app server waits in one of the first
_LOOK_S = 5.0  # between two looks for machines that came or went
_START_S = 20.0  # for which pages wait for the machines, once
_AGENTS = ("ray::DashboardAgent", "ray::RuntimeEnvAgent")
_SILENT_S = 60.0  # without a machine that can be used, before that is said
_NONE = N_(
    "None of the cluster's machines can run anything right now. Please ask the person who runs "
    "the lab to look at the cluster."
)


class ClusterCompute:
    """The ``Compute`` of an app server, which holds no network itself; thread-safe."""

    def __init__(self, address: str, settings: Settings, photos: PhotoStore) -> None:
        self._is_local = address == "local"
        self._settings = settings
        self._photos = photos
        self._server = uuid.uuid4().hex
        self._clients: list[MachineClient] = []
        self._photo_refs: dict[str, Ref] = {}
        self._used_at = time.monotonic()
        self._closing = threading.Event()
        self._settled = threading.Event()  # each machine has begun, or said why it cannot
        self._patient_until = time.monotonic() + _START_S
        self._begun = threading.Event()
        self._lock = threading.Lock()
        self.networks = ClusterNetworks(self._known, settings.model_memory_mb * 2**20)
        self.datasets = ClusterDatasets(self._known, DatasetStore(settings))
        self.queue = ClusterQueue(self, settings)
        self._connected: Future[ModuleType] = Future()
        self._connecting = threading.Thread(
            target=self._watch, args=(address,), name="lab-cluster", daemon=True
        )
        self._connecting.start()
        self._ray = self._connected.result()
        self._machines = self._divide()

    # -- what the lab asks for -----------------------------------------------------------------

    def start(self) -> None:
        """Begin to talk to the machines, and have missing ones started."""
        self._begun.set()

    def close(self, timeout_s: float) -> None:
        """End every open job; machines of a cluster stay for other app servers."""
        self._closing.set()
        self.queue.close()
        self._begun.set()
        agents = _agents() if self._is_local else []
        self._connecting.join(timeout_s)
        clients = self.clients()
        with ThreadPoolExecutor(max(len(clients), 1)) as pool:  # no machine waits for another
            are_silent = list(pool.map(lambda client: client.end(timeout_s), clients))
        if all(are_silent):
            self._ray.shutdown()  # under a thread that asks something it would end the process
        for agent in agents:
            with suppress(psutil.Error):
                agent.kill()

    def trouble(self) -> UserError | None:
        """Return why nothing can run now; ``None`` while some machine can be used, or may soon."""
        clients = self.clients()
        if any(client.is_usable for client in clients):
            return None
        reasons = [client.trouble for client in clients if client.trouble is not None]
        if reasons:
            return reasons[0]
        is_silent = time.monotonic() >= self._used_at + _SILENT_S
        return UserError(_NONE) if is_silent else None

    def hardware(self) -> Hardware:
        """The machines' devices, counted."""
        found = [client.about.hardware for client in self.clients() if client.about is not None]
        names = Counter(hardware.name for hardware in found)
        name = ", ".join(f"{count} × {name}" for name, count in names.items())
        is_cpu = not self._machines.is_gpu
        return Hardware(name or "a cluster that starts", is_cpu, sum(one.cores for one in found))

    def machines(self) -> list[MachineStatus]:
        """Every machine that the cluster has room for."""
        clients = self.clients()
        somewhere = set().union(*map(files_of, clients))
        return [_status(client, somewhere) for client in clients]

    def kept(self) -> list[Kept]:
        """What this app server has machines keep."""
        return [
            ("own models", self.networks.held, self._settings.model_memory_mb),
            ("runs", self.queue.held, self._settings.run_memory_mb),
        ]

    def others(self, spec: Spec, runs: Sequence[Job]) -> Sequence[Job]:
        """Those on the machine to which the spec would go."""
        client = self.place(spec)
        return [job for job in runs if self.queue.client_of(job) is client]

    def forget(self, owner: str) -> None:
        """Drop a visitor's models and all that was made of their photographs."""
        self.networks.forget(owner)
        self._tell_all(Forget(owner, everything=True))

    def forget_photos(self, owner: str) -> None:
        """Drop a visitor's photographs from the machines."""
        self._tell_all(Forget(owner, everything=False))

    # -- what the queue asks for ---------------------------------------------------------------

    def place(self, spec: Spec) -> MachineClient | None:
        """Return the machine for a job; ``None`` where there is none just now."""
        networks = self.networks
        backbones = {networks.row(key).key for key in networks_of(spec) if key in networks}
        return choose(self.clients(), spec, backbones)

    def lacking(self, spec: Download | ImportData) -> list[MachineClient]:
        """One machine of each node that has not got what a download brings."""
        nodes: dict[str, MachineClient] = {}
        name = spec.name if isinstance(spec, Download) else spec.dataset
        for client in self.clients():
            if client.is_usable and client.about is not None and name not in files_of(client):
                nodes.setdefault(client.about.node, client)
        return list(nodes.values())

    def payload(self, spec: Spec) -> Payload:
        """What a job needs of its visitor in the object store, each photograph put there once.

        May take a while.

        Raises:
            UserError: If a photograph was forgotten.
        """
        refs: dict[str, Ref] = {}
        for key in photo_keys(spec):
            if key not in self._photos:  # the machine says so
                continue
            ref = self._photo_refs.get(key)
            if ref is None:
                ref = self._ray.put(self._photos.data(key))
                with self._lock:
                    self._photo_refs[key] = ref
            refs[key] = ref
        models = {key: self.networks.parts(key) for key in networks_of(spec)}
        return Payload(refs, {key: ref for key, ref in models.items() if ref is not None})

    def _known(self) -> list[MachineClient]:
        """The machines, once they have begun: a page that comes before that waits a while."""
        self._settled.wait(max(self._patient_until - time.monotonic(), 0.0))
        return self._clients

    # -- what the clients tell -------------------------------------------------------------------

    def began(self, client: MachineClient) -> None:
        """Let a machine have what has waited for one."""
        if client.about is not None:
            self.networks.begin(client.about)
        self._settle()

    def was_refused(self, _client: MachineClient) -> None:
        """Let pages say why."""
        self._settle()

    def _settle(self) -> None:
        if all(client.load is not None or client.refusal is not None for client in self.clients()):
            self._settled.set()

    def heard(self, client: MachineClient, news: News) -> None:
        """Take in models, then the jobs that made them."""
        self._used_at = time.monotonic()
        for info in news.models:
            self.networks.adopt(client, info)
        self.queue.heard(client, news)
        self.queue.send_waiting()

    def was_late(self, client: MachineClient) -> None:
        """Have others do what they can do as well."""
        self.queue.move_from(client, is_lost=False)

    def was_lost(self, client: MachineClient) -> None:
        """Go on elsewhere."""
        self.queue.move_from(client, is_lost=True)

    # -- machines ------------------------------------------------------------------------------

    def clients(self) -> list[MachineClient]:
        """The machines, as this app server sees them."""
        return self._clients

    def _watch(self, address: str) -> None:
        """Connect, then look at the cluster from time to time.

        All in one thread: the system ends a cluster of this machine alone, whose processes are
        ours, with the thread that has started them.
        """
        try:
            keeps_mb = self._settings.photo_memory_mb + self._settings.model_memory_mb
            self._connected.set_result(connect(address, keeps_mb))
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits for the connection
            self._connected.set_exception(error)
            return
        self._begun.wait()
        while not self._closing.is_set():
            try:
                self._look()
            except Exception:
                log.exception("the cluster could not be looked at")
            self._closing.wait(_LOOK_S)

    def _look(self) -> None:
        """Talk to machines that have come, and forget what is no longer needed."""
        self._machines = machines = self._divide()
        new = [
            MachineClient(
                place, self._server, partial(self._make, place), self, self._settings.hang_s
            )
            for place in range(len(self._clients), machines.count)
        ]
        self._clients = [*self._clients, *new]
        for client in new:
            client.start()
        with self._lock:
            refs = self._photo_refs
            self._photo_refs = {key: ref for key, ref in refs.items() if key in self._photos}

    def _divide(self) -> Machines:
        return divide(self._ray.nodes(), self._settings.actor_cores)

    def _make(self, place: int) -> Any:
        """Find a machine by its name, or have Ray start it where there is room."""
        from tl_core.cluster.actor import LabActor

        options: dict[str, Any] = {
            "name": f"machine-{place}",
            "namespace": NAMESPACE,
            "get_if_exists": True,
            "max_restarts": -1,
            **self._machines.resources,
        }
        if self._is_local:
            options["runtime_env"] = {"env_vars": {"PYTHONPATH": str(ROOT)}}
        else:
            options["lifetime"] = "detached"
        machine = self._ray.remote(concurrency_groups=GROUPS)(LabActor)
        return machine.options(**options).remote(self._machines.cores, self._machines.share)

    def _tell_all(self, order: Forget) -> None:
        for client in self.clients():
            client.send(order)


def _agents() -> list[psutil.Process]:
    """Ray's own helpers on this machine, which notice only half a minute later that it is over."""
    found = psutil.Process().children(recursive=True)
    return [process for process in found if process.name() in _AGENTS]


def _status(client: MachineClient, somewhere: set[str]) -> MachineStatus:
    about, load = client.about, client.load
    waiting = "it answers late" if client.is_late else "it has not started yet"
    trouble = str(client.trouble or ("" if client.is_usable else waiting))
    return MachineStatus(
        name=f"machine {client.place}",
        node=about.node if about else "",
        device=about.hardware.name if about else "",
        trouble=trouble,
        loaded=tuple(sorted(load.loaded)) if load else (),
        missing=tuple(sorted(somewhere - files_of(client))) if client.disk else (),
        runs=load.runs if load else 0,
        waiting=load.waiting if load else 0,
    )
