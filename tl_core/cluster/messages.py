"""What app servers and the machines that run jobs tell each other; all of it is pickled by Ray."""

import hashlib
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from tl_core.backbones.catalogue import BackboneRow
from tl_core.backbones.weights import WeightsState
from tl_core.compute import Hardware
from tl_core.datasets.store import DatasetStatus
from tl_core.engine.job import JobState
from tl_core.errors import UserError
from tl_core.specs.base import Snapshot, Spec
from tl_core.specs.classify import Calibration

Ref: TypeAlias = Any  # of Ray: an object in its store


@cache
def code_version() -> str:
    """Return a digest of the lab's code, which all machines must share."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return digest.hexdigest()[:10]


# -- from an app server ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Controls:
    """What the owners of a job want of it now."""

    job: str  # one attempt's name: news of an earlier one must not end it
    current: Spec
    owners: frozenset[str]
    is_paused: bool
    is_cancelled: bool
    is_unattended: bool = False


@dataclass(frozen=True, slots=True)
class Payload:
    """What a job needs of its visitor, in the object store."""

    photos: Mapping[str, Ref]  # files of photographs, by key
    models: Mapping[str, Ref]  # models, by key: an ``OwnParts`` each


@dataclass(frozen=True, slots=True)
class Begin:
    """Begin a job, or go on with it."""

    spec: Spec
    controls: Controls
    payload: "Payload"
    saved: bytes | None  # what ``handed`` gave, to go on from


@dataclass(frozen=True, slots=True)
class Forget:
    """Drop what is kept for a visitor: the photographs, or everything."""

    owner: str
    everything: bool


Order = Begin | Controls | Forget


# -- from a machine --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OwnParts:
    """A visitor's model: all that its backbone has not, or all of it."""

    info: "OwnInfo"
    data: bytes  # a safetensors file
    is_whole: bool


@dataclass(frozen=True, slots=True)
class OwnInfo:
    """A visitor's model, without its numbers."""

    key: str
    label: str
    row: BackboneRow
    classes: tuple[str, ...]
    owner: str
    size_bytes: int
    number: int  # grows from model to model on one machine
    calibration: Calibration | None  # of "none of these"


@dataclass(frozen=True, slots=True)
class JobNews:
    """A job as it is now."""

    job: str
    state: JobState
    snapshot: Snapshot | None  # of its frames only those from ``frames_from`` on
    error: UserError | None
    position: int
    seconds: float | None  # since its start; None before
    held_bytes: int
    handed_step: int | None  # the newest step from which another machine can go on
    frames_from: int = 0  # so many frames of a film were told before


@dataclass(frozen=True, slots=True)
class Load:
    """How busy a machine is, for all app servers together."""

    questions: int  # quick ones
    runs: int  # not paused
    waiting: int  # of the runs
    batches: Mapping[Hashable, int]  # jobs in each
    loaded: frozenset[str]  # networks in memory, visitors' own among them
    trouble: UserError | None


@dataclass(frozen=True, slots=True)
class Disk:
    """What a machine can use without a download."""

    weights: Mapping[str, WeightsState]
    fitting: frozenset[str]  # backbones that its memory suffices for
    datasets: tuple[DatasetStatus, ...]


@dataclass(frozen=True, slots=True)
class About:
    """What a machine is."""

    version: str
    boot: str  # another after each restart
    node: str
    hardware: Hardware
    classes: tuple[str, ...]  # of ImageNet


@dataclass(frozen=True, slots=True)
class Known:
    """What an app server knows of one boot of a machine."""

    jobs: int = 0  # news up to here
    model: int = -1  # the largest number of a visitor's model
    disk: int = 0

    @property
    def is_nothing(self) -> bool:
        """Whether its connection has had no news yet."""
        return self.disk == 0


@dataclass(frozen=True, slots=True)
class News:
    """All that is new on one machine for one app server."""

    boot: str
    known: Known  # with these
    models: tuple[OwnInfo, ...]
    jobs: tuple[JobNews, ...]
    load: Load
    disk: Disk | None  # where it has changed
