"""The adversarial photograph: a small change, and the network sees something else."""

import math
from dataclasses import dataclass
from typing import ClassVar

from tl_core.errors import UserError
from tl_core.specs.attack_methods import ATTACK_METHODS, MAX_EPSILON, AttackMethod
from tl_core.specs.base import Snapshot, SnapshotT, Spec, require, require_choice
from tl_core.specs.classify import Answer

MAX_ATTACK_STEPS = 4096
HISTORY_ROWS = 512


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
        Group("dog", "a dog", 151, 268),
        Group("cat", "a cat", 281, 285),
        Group("bird", "a bird", 7, 24),
        Group("animal", "an animal", 0, 397),
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
    """Change ``photo`` by at most ``epsilon`` levels a value until the goal is reached.

    A run ends once the saved picture reaches the goal with the probability ``confidence`` (0: as
    soon as it does at all; 1: never before ``steps``). It takes the photograph at the network's
    input size. With ``also``, all those networks are attacked at once.
    """

    photo: str  # "sample:<key>" or "sha256:<hex>"
    method: str = "pgd"  # key of ATTACK_METHODS
    epsilon: int = 1  # levels of 1/255
    steps: int = 60
    confidence: float = 0.0
    also: tuple[str, ...] = ()  # further backbones

    controls: ClassVar[frozenset[str]] = frozenset({"epsilon", "steps", "method", "confidence"})

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("method", self.method, tuple(ATTACK_METHODS))
        require_levels("epsilon", self.epsilon)
        require(name="steps", value=self.steps, low=1, high=MAX_ATTACK_STEPS)
        require(name="confidence", value=self.confidence, low=0, high=1)

    @property
    def row(self) -> AttackMethod:
        """The method this spec names."""
        return ATTACK_METHODS[self.method]

    @property
    def batch_key(self) -> tuple[object, ...]:
        """Photographs that the same networks shall misread are attacked together."""
        return (type(self).__name__, self.backbone, self.also)


def require_levels(name: str, value: float) -> None:
    """Refuse a budget that an 8-bit picture cannot keep.

    Raises:
        UserError: If it is outside [0, MAX_EPSILON] or no whole number.
    """
    hint = "One level is 1/255."
    require(name=name, value=value, low=0, high=MAX_EPSILON, hint=hint)
    if value != int(value):
        raise UserError(
            "{name} must be a whole number of levels, got {value}. One level is 1/255, and a saved "
            "picture knows nothing smaller.",
            name=name,
            value=value,
        )


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
    """An attack on its way; every figure is of ``picture`` as it was saved and read back.

    ``history`` holds a row per kept step, at most ``HISTORY_ROWS``, with ``columns`` as headings:
    the step, the probability of the goal, and the margin in logits (below 0: reached).
    """

    picture: bytes = b""  # PNG at the network's input size
    original: bytes = b""  # PNG, what the network saw of the photograph
    before: tuple[Answer, ...] = ()  # top 5 of the photograph
    after: tuple[Answer, ...] = ()  # top 5 of the picture
    goal: tuple[int, ...] = ()  # the target, or the classes to avoid
    probability: float = math.nan  # of the target, or of anything but the classes to avoid
    is_fooled: bool = False  # the goal is reached, on every attacked network
    first_success: int | None = None  # steps it took
    epsilon: int = 0  # levels, as it stands now
    gap: Gap = NO_GAP
    queries: int = 0  # pictures the networks were shown
    seconds: float = 0.0
    columns: tuple[str, ...] = ("step", "probability", "margin")
    history: tuple[tuple[float, ...], ...] = ()
    settings: str = ""  # JSON that repeats this run; also inside the final picture
