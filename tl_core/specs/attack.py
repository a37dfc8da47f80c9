"""Attacks on a photograph, and questions about them: how small, which networks, what survives."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

from tl_core.errors import UserError
from tl_core.errors import gettext_noop as N_
from tl_core.specs.attack_methods import ATTACK_METHODS, MAX_EPSILON, AttackMethod
from tl_core.specs.base import Between, Snapshot, SnapshotT, Spec, require, require_choice
from tl_core.specs.classify import Answer, Novelty
from tl_core.specs.recipe import RECIPE_VERSION, require_recipe_version

MAX_ATTACK_STEPS = 4096
AttackMove = tuple[int, str, float | str]  # the first step on which a control has a new value


@dataclass(frozen=True, slots=True)
class Group:
    """A run of ImageNet classes that belong together."""

    key: str
    label: str  # "anything but ..."
    first: int
    last: int

    @property
    def classes(self) -> tuple[int, ...]:
        """Their indices."""
        return tuple(range(self.first, self.last + 1))


GROUPS: dict[str, Group] = {
    group.key: group
    for group in (
        Group("dog", N_("a dog"), 151, 268),
        Group("cat", N_("a cat"), 281, 285),
        Group("bird", N_("a bird"), 7, 24),
        Group("animal", N_("an animal"), 0, 397),
    )
}


@dataclass(frozen=True, kw_only=True)
class Goal(Spec[SnapshotT]):
    """What the network shall see: the class ``target``, or with ``None`` anything but ``avoid``.

    ``avoid`` is a key of ``GROUPS``, or "" for the class that the network sees at first.
    """

    target: int | None = 284
    avoid: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.target is not None:
            require(name="target", value=self.target, low=0, high=10**6)
        require_choice("avoid", self.avoid, ("", *GROUPS))


@dataclass(frozen=True, kw_only=True)
class Attack(Goal["AttackSnapshot"]):
    """Change ``photo`` by at most ``epsilon`` levels a value until the network is sure of the goal.

    A run ends once the goal is on top of the saved picture with at least the probability
    ``confidence`` (0: as soon as it is on top), or after ``steps``: then the result is the picture
    with the goal on top that has come closest. Methods that look for the smallest or smoothest
    change look among pictures that are that sure; *robust* and *transfer* take all steps. The
    photograph is taken at the network's input size. With ``also``, all those networks are attacked
    at once, and each must be sure.
    """

    photo: str  # "sample:<key>" or "sha256:<hex>"
    method: str = "pgd"  # key of ATTACK_METHODS
    epsilon: int = 1  # levels of 1/255
    steps: Annotated[int, Between(1, MAX_ATTACK_STEPS)] = 64
    confidence: Annotated[float, Between(0, 1)] = 0.9
    also: tuple[str, ...] = ()  # further backbones
    moves: tuple[AttackMove, ...] = ()  # replays the controls as they were moved in another run
    recipe_version: int = RECIPE_VERSION

    controls: ClassVar[frozenset[str]] = frozenset({"epsilon", "steps", "method", "confidence"})
    left_out_means: ClassVar[Mapping[str, object]] = {"recipe_version": 1}

    def __post_init__(self) -> None:
        super().__post_init__()
        require_recipe_version(self.recipe_version)
        require_choice("method", self.method, tuple(ATTACK_METHODS))
        hint = N_("One level is 1/255.")
        require(name="epsilon", value=self.epsilon, low=0, high=MAX_EPSILON, hint=hint)
        if self.epsilon != int(self.epsilon):
            raise UserError(
                "{name} must be a whole number of levels, got {value}. One level is 1/255, and a "
                "saved picture can't hold anything smaller.",
                name="epsilon",
                value=self.epsilon,
            )
        for step, control, moved in self.moves:
            require_choice("a moved control", control, tuple(sorted(self.controls)))
            require(name="the step of a move", value=step, low=0, high=MAX_ATTACK_STEPS)
            replace(self, moves=()).moved(**{control: moved})  # it refuses what cannot be

    @property
    def row(self) -> AttackMethod:
        """The method this spec names."""
        return ATTACK_METHODS[self.method]

    @property
    def batch_key(self) -> tuple[object, ...]:
        """Photographs that the same networks shall misread are attacked together."""
        return (type(self).__name__, self.backbone, self.also)


@dataclass(frozen=True, slots=True)
class Gap:
    """How far two 8-bit pictures of one size are apart."""

    linf_levels: int = 0  # the largest change of a value
    l2: float = 0.0  # Euclidean, on values in [0, 1]
    psnr_db: float = math.inf
    ssim: float = 1.0
    changed_values: int = 0
    changed_share: float = 0.0  # of all values


NO_GAP = Gap()


@dataclass(frozen=True, kw_only=True)
class AttackSnapshot(Snapshot):
    """An attack on its way; every figure is of the 8-bit ``picture``, ``gap`` of the file.

    ``history`` holds a row per kept step, at most 512, with ``columns`` as headings:
    the step, the probability of the goal, and the margin in logits (below 0: reached).
    """

    picture: bytes = b""  # PNG at the network's input size
    original: bytes = b""  # PNG, what the network saw of the photograph
    before: tuple[Answer, ...] = ()  # top 5 of the photograph
    after: tuple[Answer, ...] = ()  # top 5 of the picture
    novelty_before: Novelty | None = None  # of the photograph, where the network can tell
    novelty_after: Novelty | None = None  # of the picture
    goal: tuple[int, ...] = ()  # the target, or the classes to avoid
    probability: float = math.nan  # of the target, or of anything but the classes to avoid
    is_fooled: bool = False  # the goal is reached, on every attacked network
    first_success: int | None = None  # steps until the goal was on top
    first_confident: int | None = None  # steps until it was with the spec's ``confidence``
    epsilon: int = 0  # levels, as it stands now
    gap: Gap = NO_GAP
    queries: int = 0  # pictures the networks were shown
    seconds: float = 0.0
    steps_per_s: float = 0.0
    batch_size: int = 1  # pictures that advanced together, each at that speed
    columns: tuple[str, ...] = ("step", "probability", "margin")
    history: tuple[tuple[float, ...], ...] = ()
    settings: str = ""  # JSON that repeats this run; also inside the final picture


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
