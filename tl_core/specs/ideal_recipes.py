"""The recipes for an ideal image, as rows; each adds one idea to the row before."""

from dataclasses import dataclass, replace

from tl_core.errors import gettext_noop as N_
from tl_core.specs.recipe import IDENTITY, ONE, ZERO, Ramp, RandomAffine, always


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
    why=N_("Penalise differences between neighbouring pixels, so the picture is less noisy."),
    tv_weight=50.0,
)
_CAMERA = replace(
    _SMOOTH,
    key="camera",
    label=N_("+ random crops and rotations"),
    why=N_(
        "Transformation robustness: anything that only works for one exact view is lost, and "
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
        "Keep each layer near the mean and variance that it saw in photographs (batch "
        "normalisation remembers them). The network looks through noise that fades, so coarse "
        "shapes come before details; anything that no longer helps disappears."
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


LADDER: tuple[Recipe, ...] = (_PIXELS, _SMOOTH, _CAMERA, _FOURIER, _IDEAL)

RECIPES: dict[str, Recipe] = {recipe.key: recipe for recipe in LADDER}
