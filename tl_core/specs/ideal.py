"""The ideal image: what a network would most like to see."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from tl_core.specs.base import Between, Snapshot, Spec, require, require_choice
from tl_core.specs.ideal_recipes import RECIPES, Recipe
from tl_core.specs.recipe import RECIPE_VERSION, require_recipe_version

Move = tuple[int, str, float | None]  # the first step on which a control has a new value
IDEAL_OPTIMISERS = ("descent", "momentum", "adam", "shared")
MAX_STEPS = 100_000  # what no settings can raise
MIN_SIZE, MAX_SIZE = 32, 1024


@dataclass(frozen=True, kw_only=True)
class IdealImage(Spec["IdealSnapshot"]):
    """Optimise a picture until the network is sure of its goal.

    The goal is the class ``target`` (mixed with ``second_target`` by ``mix`` in [0, 1]), or, where
    ``layer`` names one, that layer's ``channel`` (``is_unit``: only the unit at its centre).
    ``None`` for a control means the recipe's own value. ``moves`` replays the controls as they
    were moved in another run.
    """

    moves: tuple[Move, ...] = ()
    target: Annotated[int, Between(0, 10**6)] = 284
    second_target: Annotated[int, Between(0, 10**6)] = 284
    mix: float = 0.0
    layer: str = ""
    channel: Annotated[int, Between(0, 10**6)] = 0
    is_unit: bool = False
    recipe: str = "ideal"
    optimiser: str = ""  # "": the recipe's
    steps: Annotated[int, Between(1, MAX_STEPS)] = 256
    until: int = 0  # stop after so many of the steps, as a visitor did; 0: after all
    size: int = 0  # side in pixels; 0: the network's input size
    photo: str = ""  # a key of the photo store to start from; "": noise
    tv_weight: float | None = None
    learning_rate: float | None = None
    augmentation: float = 1.0  # factor on the ranges of the recipe's random views
    also: tuple[str, ...] = ()  # further backbones that draw along
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    recipe_version: int = RECIPE_VERSION

    controls: ClassVar[frozenset[str]] = frozenset(
        {"tv_weight", "learning_rate", "augmentation", "mix"}
    )
    left_out_means: ClassVar[Mapping[str, object]] = {"recipe_version": 1}

    def __post_init__(self) -> None:
        super().__post_init__()
        require_recipe_version(self.recipe_version)
        require_choice("recipe", self.recipe, RECIPES)
        require_choice("optimiser", self.optimiser or IDEAL_OPTIMISERS[0], IDEAL_OPTIMISERS)
        require_choice("precision", self.precision, ("auto", "fp32", "bf16"))
        require(name="until", value=self.until, low=0, high=self.steps)
        if self.size != 0:
            require(name="size", value=self.size, low=MIN_SIZE, high=MAX_SIZE)
        for control in self.controls:
            require_control(control, getattr(self, control))
        for step, control, moved in self.moves:
            require_choice("a moved control", control, tuple(sorted(self.controls)))
            require(name="the step of a move", value=step, low=0, high=self.steps)
            require_control(control, moved)

    @property
    def row(self) -> Recipe:
        """The recipe this spec names."""
        return RECIPES[self.recipe]

    @property
    def batch_key(self) -> tuple[object, ...]:
        """Pictures of one size for the same networks are optimised together."""
        return (type(self).__name__, self.backbone, self.also, self.size, self.precision)

    def control(self, name: str) -> float:
        """The value of a control, the recipe's own where this spec leaves it open."""
        value = getattr(self, name)
        return float(getattr(self.row, name) if value is None else value)


_LIMITS = {
    "tv_weight": (0.0, 10_000.0),
    "learning_rate": (0.0, 100.0),
    "augmentation": (0.0, 2.0),
    "mix": (0.0, 1.0),
}
_RECIPES_OWN = frozenset({"tv_weight", "learning_rate"})


def require_control(name: str, value: float | None) -> None:
    """Refuse a control outside its range; only where the recipe has its own may it be ``None``.

    Raises:
        UserError: If it is.
    """
    if value is not None or name not in _RECIPES_OWN:
        low, high = _LIMITS[name]
        require(name=name, value=math.nan if value is None else value, low=low, high=high)


@dataclass(frozen=True, kw_only=True)
class IdealSnapshot(Snapshot):
    """An ideal image on its way.

    ``history`` holds a row of figures for each kept step, at most 512 of them, under the headings
    ``columns``: the step, the probability and total variation of what the network saw at that
    step, and the loss terms without their weights.
    """

    picture: bytes = b""  # JPEG
    png: bytes = b""  # without loss, its settings inside; of a result, stopped or paused picture
    settings: str = ""  # JSON of the spec that replays this picture, moves included
    probability: float = math.nan  # of the targets, for the 8-bit picture; NaN for a layer's goal
    total_variation: float = math.nan
    terms: tuple[tuple[str, float], ...] = ()  # newest loss terms, without their weights
    columns: tuple[str, ...] = ()
    history: tuple[tuple[float, ...], ...] = ()
    moves: tuple[Move, ...] = ()
    frames: tuple[bytes, ...] = ()  # JPEGs from the start to now, for an animation
    steps_per_s: float = 0.0
    batch_size: int = 1  # pictures that advanced together, each at that speed
    seconds_left: float = math.inf


@dataclass(frozen=True, kw_only=True)
class StartPicture(Spec["StartSnapshot"]):
    """Ask for the picture that an ideal image of this recipe, seed and photograph starts from."""

    recipe: str = "ideal"
    photo: str = ""  # a key of the photo store; "": noise

    is_quick: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("recipe", self.recipe, RECIPES)


@dataclass(frozen=True, kw_only=True)
class StartSnapshot(Snapshot):
    """The picture before the first step, at the network's input size."""

    png: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Judge(Spec["Verdicts"]):
    """Ask every backbone that is ready what it sees in a picture, for one class.

    ``backbone`` drew the picture; those that know other classes than it are not asked.
    """

    photo: str
    target: int

    is_quick: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one network says of a picture."""

    backbone: str
    label: str
    probability: float  # of the class that was asked for
    top: int  # index of the likeliest class
    top_name: str
    top_probability: float


@dataclass(frozen=True, kw_only=True)
class Verdicts(Snapshot):
    """The networks asked so far."""

    verdicts: tuple[Verdict, ...] = ()
