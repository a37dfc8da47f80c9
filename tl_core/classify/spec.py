"""What is on this photograph?"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from tl_core.specs.base import Between, Snapshot, Spec


@dataclass(frozen=True, kw_only=True)
class Classify(Spec["Classification"]):
    """Ask a backbone for its most probable classes of one photograph."""

    photo: str  # "sample:<key>" or "sha256:<hex>"
    top: Annotated[int, Between(1, 1000)] = 5

    is_quick: ClassVar[bool] = True


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
