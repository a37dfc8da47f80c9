"""Download: weights or a data set, fetched to the machine the lab runs on."""

from dataclasses import dataclass
from typing import ClassVar

from tl_core.errors import UserError
from tl_core.specs.base import Snapshot, Spec

OPERATOR = "operator"  # whoever runs the lab, as the owner of a job; visitors' ids are random


@dataclass(frozen=True, kw_only=True)
class Download(Spec["DownloadProgress"]):
    """Fetch what ``name`` stands for, unless it is there; ``backbone`` and ``seed`` say nothing."""

    uses_network: ClassVar[bool] = False

    name: str  # key of a backbone or of a data set

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.name:
            raise UserError("A download needs a name. Choose a backbone or a data set.")

    @property
    def subject(self) -> str:
        """What is fetched."""
        return self.name


@dataclass(frozen=True, kw_only=True)
class DownloadProgress(Snapshot):
    """How far a download is; ``step`` of ``steps`` is its progress in per cent."""

    name: str
    received_bytes: int = 0  # on disk, earlier runs included
    total_bytes: int | None = None  # None while nobody has said
    bytes_per_s: float = 0.0  # on average over this run
    is_ready: bool = False  # verified and in its place

    @property
    def seconds_left(self) -> float | None:
        """Time to go at this pace, ``None`` where it cannot be told."""
        if self.total_bytes is None or not self.bytes_per_s:
            return None
        return max(self.total_bytes - self.received_bytes, 0) / self.bytes_per_s
