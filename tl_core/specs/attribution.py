"""Why? Which parts of a photograph speak for a class."""

from dataclasses import dataclass
from typing import Annotated

from tl_core.errors import UserError
from tl_core.errors import gettext_noop as N_
from tl_core.specs.base import Between, Snapshot, Spec, require


@dataclass(frozen=True, slots=True)
class MethodRow:
    """One way to ask a network for its reasons."""

    key: str  # stable id for links and commands
    label: str  # what visitors read
    does: str  # one sentence
    paper: str
    needs_layer: bool = False  # whether ``Attribute.layer`` matters
    is_signed: bool = True  # whether it also shows what speaks against the class


ATTRIBUTION_METHODS: tuple[MethodRow, ...] = (
    MethodRow(
        key="gradcam",
        label=N_("Grad-CAM"),
        does=N_("Marks where a late layer found what raises the class's logit: fast but coarse."),
        paper="Selvaraju et al. 2017, arXiv:1610.02391",
        needs_layer=True,
        is_signed=False,
    ),
    MethodRow(
        key="integrated_gradients",
        label=N_("Integrated Gradients"),
        does=N_(
            "Fades the photograph in from plain grey and adds up what every pixel contributed."
        ),
        paper="Sundararajan et al. 2017, arXiv:1703.01365; Smilkov et al. 2017, arXiv:1706.03825",
    ),
    MethodRow(
        key="occlusion",
        label=N_("Occlusion"),
        does=N_("Covers one patch after another and watches the class's probability fall."),
        paper="Zeiler & Fergus 2014, arXiv:1311.2901",
    ),
    MethodRow(
        key="guided_gradcam",
        label=N_("Guided Grad-CAM"),
        does=N_(
            "Grad-CAM with the fine lines of guided backpropagation; it needs a network with "
            "ReLUs. Those lines hardly depend on what the network learned (Adebayo et al. 2018)."
        ),
        paper="Selvaraju et al. 2017, arXiv:1610.02391; Springenberg et al. 2015, arXiv:1412.6806",
        needs_layer=True,
    ),
)
_METHOD_KEYS = tuple(row.key for row in ATTRIBUTION_METHODS)


@dataclass(frozen=True, kw_only=True)
class Attribute(Spec["AttributeSnapshot"]):
    """Ask which pixels speak for one or several classes, by one or several methods.

    With ``contrast`` a map says why a target rather than that class: it explains how far the
    target's logit exceeds the other's.
    """

    photo: str  # key in the photo store
    methods: tuple[str, ...] = ("gradcam",)  # keys of ATTRIBUTION_METHODS
    # classes; empty: the predicted one and the runner-up, or the likeliest besides ``contrast``
    targets: tuple[int, ...] = ()
    contrast: int | None = None  # a class, none of the targets
    layer: str = ""  # a stage, for the CAM methods; empty means the last
    steps: Annotated[int, Between(4, 256)] = 32  # of Integrated Gradients
    # Integrated Gradients: noisy copies to average over; 0 for no noise
    noise_samples: Annotated[int, Between(0, 32)] = 0
    # Occlusion: side of the cover, in pixels; it moves by half of that
    patch: Annotated[int, Between(8, 128)] = 32
    strength: Annotated[float, Between(0, 1)] = 0.6  # of the heat map over the photograph

    def __post_init__(self) -> None:
        super().__post_init__()
        require(name="methods", value=len(self.methods), low=1, high=len(_METHOD_KEYS))
        for method in self.methods:
            if method not in _METHOD_KEYS:
                raise UserError(
                    "There is no method called {method}. Choose one of: {methods}.",
                    method=method,
                    methods=", ".join(_METHOD_KEYS),
                )
        require(name="targets", value=len(self.targets), low=0, high=8)
        if self.contrast in self.targets:
            raise UserError("You can't compare a class with itself. Choose two different classes.")


@dataclass(frozen=True, kw_only=True)
class Faithfulness:
    """What blurring does to the class's probability: proof that a map shows what matters.

    With ``Attribute.contrast`` B it is the class's share of the two, p(A) / (p(A) + p(B)).
    """

    before: float  # probability on the photograph
    important: float  # with the most important 20 % of pixels blurred
    random: float  # with as much blurred elsewhere, mean of several draws

    @property
    def fall(self) -> float:
        """How far the probability falls without the important pixels."""
        return self.before - self.important

    @property
    def random_fall(self) -> float:
        """How far it falls without random ones."""
        return self.before - self.random


@dataclass(frozen=True, kw_only=True)
class ExplainedClass:
    """A class that the maps are about."""

    target: int
    label: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class AttributionMap:
    """One method's map for one class."""

    method: str
    target: int
    layer: str  # the stage of a CAM method, else empty
    overlay: bytes  # JPEG: the photograph under the heat map, at the spec's strength
    heatmap: bytes  # grey PNG for ``images.heatmap``: 128 is nothing, 255 ``limit``, 1 ``-limit``
    # value drawn strongest: a score; a probability for occlusion without ``contrast``
    limit: float
    peak: tuple[int, int]  # x and y of the greatest value, in pixels
    total: float  # sum over all pixels
    expected: float | None = None  # what ``total`` should be by the method's own theorem
    faithfulness: Faithfulness | None = None  # None until measured


@dataclass(frozen=True, kw_only=True)
class AttributeSnapshot(Snapshot):
    """The maps found so far, method by method; within a method class by class."""

    photo: bytes  # PNG: the photograph as the network sees it
    side: int  # of photo, overlays and heat maps, in pixels
    classes: tuple[ExplainedClass, ...]
    contrast: ExplainedClass | None = None  # the class that the others are held against
    maps: tuple[AttributionMap, ...] = ()
