"""What is on this photograph?"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from tl_core.specs.base import Between, Snapshot, Spec

CalibrationKind = Literal["held out", "left out", "rough"]
LEAST_GROUPS = 19  # by which 5 % can be turned away: the smallest p-value is 1 / (19 + 1)


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
class Novelty:
    """How unusual a photograph is among those of the classes that a model was taught."""

    p_value: float  # share of such photographs that lie at least as far; in (0, 1]
    distance: float  # cosine, to the nearest one that it was taught with; in [0, 2]
    nearest: str = ""  # that one's key, where it is known


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the threshold of "none of these" rests on."""

    kind: CalibrationKind  # photographs not learned from; its own, one left out; other data
    groups: int  # independent photographs

    @property
    def least_share(self) -> float:
        """The smallest share of new photographs of its classes that can be turned away."""
        return 1 / (self.groups + 1)


@dataclass(frozen=True, kw_only=True)
class Classification(Snapshot):
    """The most probable classes, best first, and what the network was shown."""

    answers: tuple[Answer, ...]
    milliseconds: float  # of one forward pass on this server
    logits: tuple[float, ...]  # all of them, for comparisons
    seen: bytes  # the photograph at the network's input size, JPEG
    novelty: Novelty | None = None  # of a model that can tell
