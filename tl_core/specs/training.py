"""Training a network on new classes: the five modes, a run and its result, the label budget."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal, get_args

from tl_core.errors import gettext_noop as N_
from tl_core.specs.base import Between, Snapshot, require, require_choice
from tl_core.specs.datasets import OWN_DATASET, PRIVATE_DATASET, OnDataset

Start = Literal["trained", "random", "pixels"]  # the weights before training
Unfrozen = Literal["head", "last block", "all"]  # what training may change
Part = Literal["head", "network"]  # that learns now
Schedule = Literal["constant", "cosine", "step", "warm-up"]  # the last: then cosine
Optimiser = Literal["adamw", "momentum"]
Augmentation = Literal["none", "mirror", "strong"]
SCHEDULES: tuple[Schedule, ...] = get_args(Schedule)
TRAINING_OPTIMISERS: tuple[Optimiser, ...] = get_args(Optimiser)
AUGMENTATIONS: tuple[Augmentation, ...] = get_args(Augmentation)
LABEL_LENGTH = 200  # of a model's name


@dataclass(frozen=True, slots=True)
class ModeRow:
    """One of the modes of training."""

    key: str
    label: str  # what visitors read
    short: str  # the same on a button
    learning_rate: float
    epochs: int
    start: Start = "trained"
    unfrozen: Unfrozen = "all"


_EXTRACTION = N_("Feature extraction: frozen backbone, new head")
_LAST_BLOCK = N_("Fine-tune the last block")
_ALL_LAYERS = N_("Fine-tune all layers, low learning rate")
_SCRATCH = N_("Train from scratch (random weights)")
_PIXELS = N_("Linear classifier on raw pixels")
MODES: tuple[ModeRow, ...] = (
    ModeRow("head", _EXTRACTION, N_("New head"), 1e-3, 30, unfrozen="head"),
    ModeRow("last-block", _LAST_BLOCK, N_("Last block"), 1e-4, 5, unfrozen="last block"),
    ModeRow("full", _ALL_LAYERS, N_("All layers"), 5e-5, 3),
    ModeRow("scratch", _SCRATCH, N_("From scratch"), 1e-3, 10, start="random"),
    ModeRow("pixels", _PIXELS, N_("Raw pixels"), 1e-3, 30, start="pixels", unfrozen="head"),
)
_MODES = {row.key: row for row in MODES}


def mode_row(key: str) -> ModeRow:
    """Return the row of a mode.

    Raises:
        UserError: If there is no such mode.
    """
    require_choice("mode", key, tuple(_MODES))
    return _MODES[key]


@dataclass(frozen=True, kw_only=True)
class FineTune(OnDataset["FineTuneSnapshot"]):
    """Train ``backbone`` on the classes of a data set, in one of the five ``MODES``."""

    can_begin_again: ClassVar[bool] = False
    controls: ClassVar[frozenset[str]] = frozenset(
        {"learning_rate", "weight_decay", "dropout", "clip_norm"}
    )

    mode: str = "head"
    label: str = ""  # what to call the model; empty: network, mode and classes
    photos_per_class: Annotated[int, Between(0, 100_000)] = 0  # trained on at most; 0: all
    epochs: Annotated[int, Between(0, 200)] = 0  # 0: the mode's own
    learning_rate: Annotated[float, Between(0, 10)] = 0.0  # 0: the mode's own
    schedule: Schedule = "cosine"
    optimiser: Optimiser = "adamw"
    momentum: Annotated[float, Between(0, 0.999)] = 0.9
    weight_decay: Annotated[float, Between(0, 10)] = 0.01
    dropout: Annotated[float, Between(0, 0.9)] = 0.0  # share of the embedding that is dropped
    batch_size: Annotated[int, Between(1, 512)] = 32
    augmentation: Augmentation = "none"
    early_stopping: Annotated[int, Between(0, 200)] = 0  # epochs without a better one; 0: never
    train_batch_norm: bool = False  # from random weights it always trains
    clip_norm: Annotated[float, Between(0, 1000)] = 0.0  # longest gradient; 0: any
    head_first: bool = True  # before anything else is unfrozen
    input_scaling: bool = True  # as the network was pretrained; else its inputs are 0 to 255
    something_else: str = ""  # the class that holds what is none of the others, if there is one

    def __post_init__(self) -> None:
        super().__post_init__()
        mode_row(self.mode)
        if len(self.label) > LABEL_LENGTH:
            raise ValueError(f"label must have at most {LABEL_LENGTH} characters")
        require_choice("schedule", self.schedule, SCHEDULES)
        require_choice("optimiser", self.optimiser, TRAINING_OPTIMISERS)
        require_choice("augmentation", self.augmentation, AUGMENTATIONS)
        if self.photos and self.something_else not in ("", *(name for name, _ in self.photos)):
            raise ValueError("something_else must be one of the classes in photos")

    @property
    def mode_row(self) -> ModeRow:
        """The mode's row."""
        return mode_row(self.mode)

    def without_photos(self) -> "FineTune":
        """Return the settings without the keys of a visitor's own photographs."""
        if self.dataset != OWN_DATASET:
            return self
        nothing: dict[str, Any] = dict.fromkeys(("photos", "tests", "bursts", "corrections"), ())
        return replace(self, dataset=PRIVATE_DATASET, **nothing)

    @property
    def chosen_epochs(self) -> int:
        """Epochs to train, the mode's own where the spec leaves it open."""
        return self.epochs or self.mode_row.epochs

    @property
    def chosen_learning_rate(self) -> float:
        """Learning rate at the start, the mode's own where the spec leaves it open."""
        return self.learning_rate or self.mode_row.learning_rate


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Training figures, averaged since the point before."""

    epoch: float  # 2.5: in the middle of the third
    loss: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class EpochPoint:
    """One finished epoch; ``part`` is what was training, the head alone or the network too."""

    epoch: int  # from 1, counted through both parts
    part: Part
    seconds: float  # since the run began
    learning_rate: float
    train_loss: float
    train_accuracy: float
    validation_loss: float  # NaN, as the accuracy, where there are no validation photographs
    validation_accuracy: float


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """Figures of one class; shares of 1, 0 where there was nothing to divide by."""

    name: str
    photographs: int
    recall: float  # of its photographs, how many were found
    precision: float  # of those called so, how many were


@dataclass(frozen=True, slots=True)
class Prediction:
    """One photograph that was not trained on, and the answer."""

    photo: str  # content key
    name: str  # where it lies in its data set
    label: int
    predicted: int
    confidence: float
    is_in_top3: bool
    p_value: float | None = None  # of "none of these"; none of what that was calibrated on

    @property
    def is_right(self) -> bool:
        """Whether the answer was the true class."""
        return self.label == self.predicted


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The answers of about one confidence."""

    confidence: float  # their mean
    accuracy: float  # share that is right
    photographs: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """How often answers are right, by how sure they are."""

    bins: tuple[ReliabilityBin, ...]  # of ten equal ranges of confidence, those with answers
    error: float  # expected calibration error: the mean gap between confidence and accuracy


@dataclass(frozen=True, slots=True)
class TemperatureScaling:
    """A model's reliability as it is, and with its logits divided by the best temperature."""

    before: Reliability
    after: Reliability  # measured on photographs that the temperature was not chosen on
    temperature: float  # above 1: the model is too sure


@dataclass(frozen=True, slots=True)
class Forgetting:
    """How many photographs of ImageNet's classes the old head knows."""

    before: int  # on the features as they were pretrained
    after: int  # on the fine-tuned ones
    photographs: int


@dataclass(frozen=True, slots=True)
class FineTuneResult:
    """What the best epoch achieves on the photographs that were not trained on.

    Where there are none, accuracy and top-3 are NaN, the interval is (0, 1), and the model is that
    of the last epoch.
    """

    accuracy: float
    interval: tuple[float, float]  # Wilson, 95 %
    top3: float
    classes: tuple[ClassFigures, ...]
    confusion: tuple[tuple[int, ...], ...]  # [label][predicted]
    predictions: tuple[Prediction, ...]
    model: str  # the store's key of the finished model, "own:<id>"
    unfrozen_accuracy: float | None = None  # of the unfrozen network at its best; None: no such
    is_head_alone: bool = False  # the unfrozen network did no better, so the head before is kept
    has_diverged: bool = False  # training ended in numbers that are not finite
    # On the data set's other tests, by what is different in them (distribution shift)
    shifts: "tuple[tuple[str, FineTuneResult], ...]" = ()
    scaling: TemperatureScaling | None = None  # from 100 photographs on
    forgetting: Forgetting | None = None  # where pretrained layers were changed

    @property
    def is_measured(self) -> bool:
        """Whether there were photographs to test on."""
        return bool(self.predictions)


@dataclass(frozen=True, kw_only=True)
class FineTuneSnapshot(Snapshot):
    """A training run as it stands; ``result`` comes with the last one.

    ``step`` and ``steps`` count the photographs of the phase.
    """

    phase: str  # "reading photographs", "extracting features", "training the head", ...
    mode: str = "head"
    classes: tuple[str, ...] = ()
    curve: tuple[CurvePoint, ...] = ()  # bounded: neighbours are merged as it grows
    epochs: tuple[EpochPoint, ...] = ()
    best_epoch: int = 0  # 0: none yet
    photographs_per_s: float = 0.0
    seconds: float = 0.0
    seconds_left: float | None = None
    trainable_parameters: int = 0
    total_parameters: int = 0
    # Of each layer of an unfrozen network, from the input on: the gradient's length in the first
    # updates (their mean)
    gradients: tuple[float, ...] = ()
    train_photographs: int = 0
    validation_photographs: int = 0
    left_out: tuple[str, ...] = ()  # files that no decoder could read
    result: FineTuneResult | None = None


@dataclass(frozen=True, kw_only=True)
class LabelBudget(OnDataset["LabelBudgetSnapshot"]):
    """How accurate a head becomes with few labels on trained features, random ones, raw pixels."""

    can_begin_again: ClassVar[bool] = False

    counts: tuple[int, ...] = (1, 2, 4, 8, 16, 50)  # photographs a class
    repeats: Annotated[int, Between(1, 20)] = 5  # seeds averaged

    def __post_init__(self) -> None:
        super().__post_init__()
        require(name="number of counts", value=len(self.counts), low=1, high=20)
        for count in self.counts:
            require(name="photographs a class", value=count, low=1, high=100_000)


@dataclass(frozen=True, slots=True)
class BudgetPoint:
    """Accuracy from so many photographs a class, over several seeds."""

    photos_per_class: int
    start: Start
    mean: float
    low: float  # worst seed
    high: float  # best seed


@dataclass(frozen=True, kw_only=True)
class LabelBudgetSnapshot(Snapshot):
    """The points measured so far."""

    phase: str
    points: tuple[BudgetPoint, ...] = ()
    validation_photographs: int = 0
    photographs_per_s: float = 0.0
    seconds: float = 0.0
