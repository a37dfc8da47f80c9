"""What an app server knows of networks that are in other processes."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, cast

from tl_core.backbones.catalogue import CATALOGUE, BackboneRow, row_of
from tl_core.backbones.weights import WeightsState
from tl_core.cluster.client import MachineClient
from tl_core.cluster.messages import About, OwnInfo, Ref
from tl_core.errors import UserError
from tl_core.errors import gettext_noop as N_

_BEST = (WeightsState.READY, WeightsState.UNREAD, WeightsState.DAMAGED, WeightsState.MISSING)
_START_S = 60.0
_NO_MACHINE = N_(
    "None of the cluster's machines is answering right now. Please try again in a minute."
)


@dataclass(eq=False, slots=True)
class _Own:
    info: OwnInfo
    parts: Ref  # in the object store
    number: int  # grows from model to model


class ClusterNetworks:
    """The ``Networks`` of an app server.

    A visitor's model is kept as the parts that its backbone has not, in the object store and owned
    by this app server; ``model_bytes`` of them together, of whoever holds most the longest unused
    leaves first.
    """

    def __init__(self, clients: Callable[[], Sequence[MachineClient]], model_bytes: int) -> None:
        self.rows: Mapping[str, BackboneRow] = {row.key: row for row in CATALOGUE}
        self._clients = clients
        self._model_bytes = model_bytes
        self._own: OrderedDict[str, _Own] = OrderedDict()
        self._counts: dict[str, Mapping[str, int]] = {}
        self._has_begun: Future[None] = Future()  # a machine has said what it has
        self._imagenet: tuple[str, ...] = ()
        self._arrivals = count()
        self._lock = threading.RLock()

    def __contains__(self, key: str) -> bool:
        """Whether there is such a backbone, or such a model of a visitor."""
        return key in self.rows or key in self._own

    def row(self, key: str) -> BackboneRow:
        """The catalogue's row of a backbone, or of the one that a visitor's model grew from."""
        own = self._own.get(key)
        return own.info.row if own is not None else row_of(key, self.rows)

    def classes(self, key: str) -> tuple[str, ...]:
        """The names of a network's classes, by index."""
        self.row(key)
        own = self._own.get(key)
        if own is not None:
            return own.info.classes
        self._wait()
        return self._imagenet

    def channel_counts(self, key: str) -> Mapping[str, int]:
        """How many channels each layer has that can be looked into, by its name."""
        row = self.row(key)
        if row.key not in self._counts:
            self._wait()
            self._counts[row.key] = self._ask_about(key, "channel_counts")
        return self._counts[row.key]

    def fits(self, row: BackboneRow) -> bool:
        """Whether some machine has the memory for this backbone."""
        disks = [client.disk for client in self._clients() if client.disk is not None]
        return not disks or any(row.key in disk.fitting for disk in disks)

    def state(self, row: BackboneRow) -> WeightsState:
        """What is known of the file, on the machine that is furthest."""
        found = {
            client.disk.weights[row.key] for client in self._clients() if client.disk is not None
        }
        return next((state for state in _BEST if state in found), WeightsState.UNREAD)

    def begin_check(self, _row: BackboneRow) -> "Future[None]":
        """Wait for the machines, which read their files themselves."""
        return self._has_begun

    def own_models(self, owner: str) -> Sequence[OwnInfo]:
        """The visitor's models, oldest first."""
        with self._lock:
            mine = [own for own in self._own.values() if own.info.owner == owner]
        return [own.info for own in sorted(mine, key=lambda own: own.number)]

    def held(self) -> Counter[str]:
        """Bytes of each visitor's models."""
        held: Counter[str] = Counter()
        with self._lock:
            for own in self._own.values():
                held[own.info.owner] += own.info.size_bytes
        return held

    def save(self, key: str) -> bytes:
        """The model as a safetensors file, with its classes and how it was trained."""
        return cast(bytes, self._ask_about(key, "save"))

    def require_loadable(self, key: str, limit_mb: int) -> None:
        """Say before a file is saved whether this lab would not take it back.

        Raises:
            UserError: If so.
        """
        self._ask_about(key, "require_loadable", limit_mb)

    def settings_of(self, key: str) -> str:
        """The settings in the model's file, as JSON."""
        return cast(str, self._ask_about(key, "settings_of"))

    def plain_pytorch(self, key: str) -> str:
        """Ten lines of PyTorch that load the model's file."""
        return cast(str, self._ask_about(key, "plain_pytorch"))

    def load_file(self, data: bytes, owner: str) -> str:
        """Take in a file that ``save`` wrote; return the model's key.

        Raises:
            UserError: If the file is not exactly that, or there is no room for the model.
        """
        client = self._some_client()
        info: OwnInfo = client.ask("load_file", client.name, data, owner)
        self.adopt(client, info)
        return info.key

    def rename(self, key: str, label: str, classes: tuple[str, ...]) -> None:
        """Call a visitor's model and its classes otherwise, on every machine that has it."""
        client = self._with_model(key)
        for other in self._with(key, besides=client):
            other.ask("network", "rename", key, label, classes)
        client.ask("network", "rename", key, label, classes)
        parts = client.ask_later("parts", key)
        with self._lock:
            if key in self._own:
                own = self._own[key]
                classes = classes or own.info.classes
                info = replace(own.info, label=label or own.info.label, classes=classes)
                self._own[key] = _Own(info, parts, own.number)

    def drop(self, key: str) -> None:
        """Drop a visitor's model, if it is there."""
        with self._lock:
            self._own.pop(key, None)
        for client in self._with(key):
            client.ask("network", "drop", key)

    # -- the cluster's side --------------------------------------------------------------------

    def begin(self, about: About) -> None:
        """Note that a machine has said what it has."""
        with self._lock:
            self._imagenet = about.classes
            if not self._has_begun.done():
                self._has_begun.set_result(None)

    def parts(self, key: str) -> Ref | None:
        """Where a visitor's model is, marked as just used."""
        with self._lock:
            if key not in self._own:
                return None
            self._own.move_to_end(key)
            return self._own[key].parts

    def adopt(self, client: MachineClient, info: OwnInfo) -> None:
        """Keep a model that a machine has taught or taken in."""
        with self._lock:
            if info.key in self._own:
                return
            self._own[info.key] = _Own(
                info, client.ask_later("parts", info.key), next(self._arrivals)
            )
            while (held := self.held()).total() > self._model_bytes:
                others = [own.info for own in self._own.values() if own.info.key != info.key]
                if not others:
                    return
                del self._own[max(others, key=lambda other: held[other.owner]).key]

    def forget(self, owner: str) -> None:
        """Drop the models of a visitor who left."""
        with self._lock:
            for key in [key for key, own in self._own.items() if own.info.owner == owner]:
                del self._own[key]

    def _ask_about(self, key: str, method: str, *arguments: Any) -> Any:
        """Ask a machine about a network."""
        return self._with_model(key).ask("network", method, key, *arguments)

    def _with_model(self, key: str) -> MachineClient:
        """A machine that has a visitor's model, from now on if none had it."""
        self.row(key)
        parts = self.parts(key)
        has_it = self._with(key)
        client = next(
            iter(has_it or filter(lambda client: client.is_usable, self._clients())), None
        )
        if client is None:
            raise UserError(_NO_MACHINE)
        if not has_it and parts is not None:
            client.ask("keep", parts)
        return client

    def _with(self, key: str, *, besides: MachineClient | None = None) -> list[MachineClient]:
        """The usable machines that have a network in memory."""
        return [
            client
            for client in self._clients()
            if client is not besides
            and client.is_usable
            and client.load is not None
            and key in client.load.loaded
        ]

    def _some_client(self) -> MachineClient:
        self._wait()
        client = next((client for client in self._clients() if client.is_usable), None)
        if client is None:
            raise UserError(_NO_MACHINE)
        return client

    def _wait(self) -> None:
        """Wait for the first machine, which needs some seconds to start.

        Raises:
            UserError: If none does.
        """
        try:
            self._has_begun.result(_START_S)
        except TimeoutError as error:
            raise UserError(_NO_MACHINE) from error
