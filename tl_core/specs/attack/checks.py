"""Questions about an attack: how small can it be, which networks does it fool, what survives?"""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from tl_core.specs.attack.attack import MAX_ATTACK_STEPS, NO_GAP, Gap
from tl_core.specs.attack.goals import Goal
from tl_core.specs.base import Between, Snapshot, SnapshotT
from tl_core.specs.classify import Answer


@dataclass(frozen=True, kw_only=True)
class Checked(Goal[SnapshotT]):
    """A question about the attacked picture ``photo`` and the photograph ``original``."""

    photo: str
    original: str

    is_quick: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class Transfer(Checked["TransferSnapshot"]):
    """Show the attacked picture to every backbone that is ready; ``also`` were attacked too."""

    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one network said before and says after the attack."""

    backbone: str
    label: str
    was_attacked: bool
    before: Answer
    after: Answer
    probability: float  # of the goal, after
    is_fooled: bool  # the goal is on top


@dataclass(frozen=True, kw_only=True)
class TransferSnapshot(Snapshot):
    """The networks asked so far."""

    opinions: tuple[Opinion, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Survival(Checked["SurvivalSnapshot"]):
    """Ask the network again after each transform in the table ``TRANSFORMS``."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What the network says of the picture after one transform."""

    key: str  # of the row in tl_core.images.transforms
    label: str
    why: str
    answer: Answer
    probability: float  # of the goal
    is_fooled: bool


@dataclass(frozen=True, kw_only=True)
class SurvivalSnapshot(Snapshot):
    """The trials so far, each with its picture as PNG."""

    trials: tuple[Trial, ...] = ()
    pictures: tuple[bytes, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PasteBack(Checked["PasteBackSnapshot"]):
    """Carry the change in ``photo`` over to ``original`` at its full size."""


@dataclass(frozen=True, kw_only=True)
class PasteBackSnapshot(Snapshot):
    """The whole photograph with the change in it; figures are of the file as read back."""

    picture: bytes  # PNG at the photograph's own size
    width: int
    height: int
    before: tuple[Answer, ...]
    after: tuple[Answer, ...]
    probability: float  # of the goal
    is_fooled: bool
    gap: Gap


@dataclass(frozen=True, kw_only=True)
class SmallestBudget(Goal["SmallestSnapshot"]):
    """Find the fewest levels that do, then how few values have to move by them at all.

    ``steps`` are for each budget that is tried, ``value_steps`` for the search among the values.
    """

    photo: str
    steps: Annotated[int, Between(1, MAX_ATTACK_STEPS)] = 60
    value_steps: Annotated[int, Between(0, MAX_ATTACK_STEPS)] = 150


@dataclass(frozen=True, slots=True)
class LevelTrial:
    """One budget that was tried."""

    epsilon: int  # levels
    is_fooled: bool
    steps: int  # until it was, or all
    probability: float  # of the goal at the end


@dataclass(frozen=True, kw_only=True)
class SmallestSnapshot(Snapshot):
    """How small the change has become; figures are of ``picture`` as read back."""

    phase: Literal["levels", "values", "done"] = "levels"
    curve: tuple[LevelTrial, ...] = ()  # by epsilon; the first row is the photograph itself
    epsilon: int | None = None  # the fewest levels that do
    counts: tuple[tuple[int, int], ...] = ()  # (pictures shown, values moved), falling
    picture: bytes = b""  # PNG, the smallest successful change so far
    original: bytes = b""
    before: tuple[Answer, ...] = ()
    after: tuple[Answer, ...] = ()
    probability: float = math.nan
    is_fooled: bool = False
    gap: Gap = NO_GAP
    total_values: int = 0  # of the picture
    queries: int = 0
    seconds: float = 0.0
