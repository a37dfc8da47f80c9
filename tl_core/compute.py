"""Where jobs run and networks are kept: what the lab asks of it, wherever that is."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence, Set
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from tl_core.backbones.catalogue import BackboneRow
from tl_core.backbones.weights import WeightsState
from tl_core.datasets.store import DatasetStatus
from tl_core.engine.job import Job, JobState, SpecT
from tl_core.errors import UserError
from tl_core.specs.base import Spec
from tl_core.specs.classify import Calibration


class JobQueue(Protocol):
    """Takes jobs and turns them, fairly between visitors; thread-safe. See ``Scheduler``."""

    def submit(self, spec: SpecT, owner: str) -> Job[SpecT]: ...
    def join(self, job: Job, owner: str) -> bool: ...
    def withdraw(self, job: Job, owner: str) -> None: ...
    def leave(self, owner: str) -> list[Job]: ...
    def set_aside(self, owner: str) -> None: ...
    def take_up(self, owner: str) -> None: ...
    def note_absent(self, owners: Set[str]) -> None: ...
    def jobs_of(self, owner: str) -> list[Job]: ...
    def counts(self) -> dict[JobState, int]: ...
    def refuse_runs(self, refusal: UserError) -> None: ...
    def has_runs(self) -> bool: ...


class Named(Protocol):
    """A visitor's model, as lists name it."""

    @property
    def key(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def calibration(self) -> Calibration | None: ...


class Networks(Protocol):
    """The catalogue's networks and visitors' own; thread-safe.

    What asks for a key raises ``UserError`` where there is no such network (any more).
    """

    @property
    def rows(self) -> Mapping[str, BackboneRow]: ...
    def __contains__(self, key: str) -> bool: ...
    def row(self, key: str) -> BackboneRow: ...
    def classes(self, key: str) -> tuple[str, ...]: ...
    def channel_counts(self, key: str) -> Mapping[str, int]: ...
    def fits(self, row: BackboneRow) -> bool: ...
    def state(self, row: BackboneRow) -> WeightsState: ...
    def begin_check(self, row: BackboneRow) -> Future[None]: ...
    def own_models(self, owner: str) -> Sequence[Named]: ...
    def save(self, key: str) -> bytes: ...
    def require_loadable(self, key: str, limit_mb: int) -> None: ...
    def settings_of(self, key: str) -> str: ...
    def plain_pytorch(self, key: str) -> str: ...
    def load_file(self, data: bytes, owner: str) -> str: ...
    def rename(self, key: str, label: str, classes: tuple[str, ...]) -> None: ...
    def drop(self, key: str) -> None: ...


class DatasetFiles(Protocol):
    """The data sets that jobs can name; thread-safe. See ``DatasetStore``."""

    def entries(self) -> list[DatasetStatus]: ...
    def classes(self, key: str) -> tuple[str, ...]: ...
    def names(self, key: str, class_name: str) -> list[str]: ...
    def read(self, key: str, name: str) -> bytes: ...
    def stamp(self, key: str) -> Hashable: ...


@dataclass(frozen=True, slots=True)
class Hardware:
    """What computes."""

    name: str  # as a person calls it
    is_cpu: bool
    cores: int  # of processors that compute; 0 on graphics cards


@dataclass(frozen=True, slots=True)
class MachineStatus:
    """One machine of a cluster, as whoever runs it wants to see it."""

    name: str
    node: str  # "" before it has started
    device: str
    trouble: str  # why nothing runs there; "" where all is well
    loaded: tuple[str, ...]  # networks in memory
    missing: tuple[str, ...]  # backbones and data sets that another machine has on its disk
    runs: int
    waiting: int  # of these


Kept = tuple[str, Callable[[], Counter[str]], int]  # a kind, its bytes by visitor, its budget


class Compute(Protocol):
    """Runs jobs somewhere: in this process (``local``) or on a cluster (``cluster``)."""

    @property
    def queue(self) -> JobQueue: ...
    @property
    def networks(self) -> Networks: ...
    @property
    def datasets(self) -> DatasetFiles: ...

    def start(self) -> None:
        """Begin to run jobs."""

    def close(self, timeout_s: float) -> None:
        """End every open job after its slice."""

    def trouble(self) -> UserError | None:
        """Return why nothing can run now; ``None`` while all is well."""

    def hardware(self) -> Hardware:
        """What computes here."""

    def machines(self) -> list[MachineStatus]:
        """The machines of a cluster; none where jobs run in this process."""

    def kept(self) -> list[Kept]:
        """What is kept for visitors where their jobs run."""

    def others(self, spec: Spec, runs: Sequence[Job]) -> Sequence[Job]:
        """Of ``runs`` those that would share a worker with ``spec``."""

    def forget(self, owner: str) -> None:
        """Drop a visitor's models and all that was made of their photographs."""

    def forget_photos(self, owner: str) -> None:
        """Drop what was made of a visitor's photographs."""
