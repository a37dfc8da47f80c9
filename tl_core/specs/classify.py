"""What is on this photograph?"""

from dataclasses import dataclass
from typing import ClassVar

from tl_core.specs.base import Snapshot, Spec, require


@dataclass(frozen=True, kw_only=True)
class Classify(Spec["Classification"]):
    """Ask a backbone for its most probable classes of one photograph."""

    photo: str  # "sample:<key>" or "sha256:<hex>"
    top: int = 5

    is_quick: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        super().__post_init__()
        require(name="top", value=self.top, low=1, high=1000)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One class with the probability the network gives it."""

    index: int
    label: str
    probability: float  # in [0, 1]


@dataclass(frozen=True, kw_only=True)
class Classification(Snapshot):
    """The most probable classes, best first, and what the network was shown."""

    answers: tuple[Answer, ...]
    milliseconds: float  # of one forward pass on this server
    logits: tuple[float, ...]  # all of them, for comparisons
    seen: bytes  # the photograph at the network's input size, JPEG
