"""An attack on a photograph: a small change, and the network sees something else."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from tl_core.errors import UserError
from tl_core.errors import gettext_noop as N_
from tl_core.specs.attack.goals import Goal
from tl_core.specs.attack.methods import ATTACK_METHODS, MAX_EPSILON, AttackMethod
from tl_core.specs.base import Between, Snapshot, require, require_choice
from tl_core.specs.classify import Answer
from tl_core.specs.recipes import RECIPE_VERSION, require_recipe_version

MAX_ATTACK_STEPS = 4096
AttackMove = tuple[int, str, float | str]  # the first step on which a control has a new value


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
    steps: Annotated[int, Between(1, MAX_ATTACK_STEPS)] = 60
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
                "saved picture knows nothing smaller.",
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
