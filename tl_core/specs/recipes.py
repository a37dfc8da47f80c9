"""The recipes for an ideal image, as rows; each adds one idea to the row before."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from tl_core.errors import UserError
from tl_core.errors import gettext_noop as N_


@dataclass(frozen=True, slots=True)
class Ramp:
    """A number that goes from ``start`` to ``end`` during a run, and stays there.

    ``until`` is the share of the run, in (0, 1], after which it has arrived.
    """

    start: float
    end: float
    until: float = 1.0
    shape: Literal["linear", "cosine"] = "linear"

    def at(self, progress: float) -> float:
        """The value after a share ``progress`` in [0, 1] of the run."""
        way = min(progress / self.until, 1.0)
        if self.shape == "cosine":
            way = (1 - math.cos(math.pi * way)) / 2
        return self.start + (self.end - self.start) * way

    def times(self, factor: float) -> "Ramp":
        """The same way between numbers ``factor`` times as large."""
        return replace(self, start=factor * self.start, end=factor * self.end)


def always(value: float) -> Ramp:
    """A number that does not change."""
    return Ramp(value, value)


ONE, ZERO = always(1.0), always(0.0)


@dataclass(frozen=True, slots=True)
class RandomAffine:
    """Ranges of the random affine views that the network is shown at each step.

    ``shift`` is a share of the side, ``turn_deg`` degrees, ``zoom`` z a scale between 1 / (1 + z)
    and 1 / (1 - z); with ``mirrors`` every second view is mirrored. A step shows ``views`` of them.
    """

    shift: float = 0.0
    turn_deg: float = 0.0
    zoom: float = 0.0
    mirrors: bool = False
    views: int = 1


IDENTITY = RandomAffine()


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to draw what a network wants to see."""

    key: str  # stable id for links and settings
    label: str  # what visitors read
    why: str  # what this recipe adds, and what for
    parameterisation: str  # key in tl_core.imageopt.pixels
    optimiser: str  # key in tl_core.imageopt.optimisers.UPDATE_RULES
    learning_rate: float
    terms: tuple[tuple[str, Ramp], ...]  # weights of losses in tl_core.imageopt.losses
    tv_weight: float = 0.0
    rate: Ramp = ONE  # factor on the learning rate and on the decay
    decay: float = 0.0  # share of the way back to the start at each step
    affine: RandomAffine = IDENTITY
    affine_strength: Ramp = ONE  # factor on its ranges
    noise: Ramp = ZERO  # standard deviation, on pixels in [0, 1]
    residual_factor: float = 1.0  # factor on the gradient through residual branches


_PIXELS = Recipe(
    key="pixels",
    label=N_("Pixels"),
    why=N_("Gradient ascent on every pixel: the network is sure, and nobody else sees a thing."),
    parameterisation="pixels",
    optimiser="adam",
    learning_rate=0.02,
    terms=(("cross_entropy", always(10.0)),),
)
_SMOOTH = replace(
    _PIXELS,
    key="smooth",
    label=N_("+ total variation"),
    why=N_(
        "Penalise differences between neighbouring pixels, so that less of the picture is noise."
    ),
    tv_weight=50.0,
)
_CAMERA = replace(
    _SMOOTH,
    key="camera",
    label=N_("+ random crops and rotations"),
    why=N_(
        "Transformation robustness: what only works for one exact view is lost, and "
        "shapes begin to appear."
    ),
    terms=(("logit", always(1.0)),),
    rate=Ramp(1.0, 0.1, shape="cosine"),
    affine=RandomAffine(shift=24 / 224, turn_deg=15, zoom=0.25, mirrors=True),
)
_FOURIER = replace(
    _CAMERA,
    key="fourier",
    label=N_("+ Fourier basis, natural colours"),
    why=N_(
        "Paint with waves (frequencies) instead of pixels, coarse ones first, in the "
        "decorrelated colours of photographs."
    ),
    parameterisation="fourier",
    learning_rate=0.05,
)
_IDEAL = replace(
    _FOURIER,
    key="ideal",
    label=N_("+ batch-norm statistics, fading noise"),
    why=N_(
        "Keep each layer at the mean and variance that it met in photographs (batch "
        "normalisation remembers them). The network looks through noise that fades, so coarse "
        "shapes come before details; what no longer helps disappears."
    ),
    optimiser="shared",  # Adam makes the fine waves as strong as the coarse ones
    learning_rate=0.08,
    terms=(
        ("logit", always(1.5)),
        ("other_classes", always(1.5)),
        ("statistics", Ramp(0.003, 0.001)),
    ),
    decay=0.02,  # what was drawn in the first steps fades, and contrast stays moderate
    affine_strength=Ramp(0.4, 1.2),  # nearly whole views first: one object in the middle
    noise=Ramp(0.4, 0.0, until=0.5),
    residual_factor=0.5,
)
RECIPE_VERSION = 2  # to be raised when a recipe or attack draws otherwise than it did


def require_recipe_version(version: int) -> None:
    """Refuse to repeat what another version drew: the picture would be another one.

    Raises:
        UserError: If it is not this version's.
    """
    if version != RECIPE_VERSION:
        raise UserError(
            "This picture was made by version {version} of the lab's recipes, and they are at "
            "version {ours} now: it would come out differently. Start a new one.",
            version=version,
            ours=RECIPE_VERSION,
        )


LADDER: tuple[Recipe, ...] = (_PIXELS, _SMOOTH, _CAMERA, _FOURIER, _IDEAL)

RECIPES: dict[str, Recipe] = {recipe.key: recipe for recipe in LADDER}
