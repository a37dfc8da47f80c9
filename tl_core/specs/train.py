"""Teaching a network new classes: data sets, the five ways, the label budget, their results."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from tl_core.errors import UserError
from tl_core.specs.base import Snapshot, Spec, require, require_choice

OWN_DATASET = "own"
MIN_CLASSES, MAX_CLASSES = 2, 20  # of a visitor's own data set
MIN_PHOTOS = 2  # a class: one to learn from, one to be tested on
MAX_PHOTOS = 5000
MAX_NAME_LENGTH = 60

Schedule = Literal["constant", "cosine", "step"]
Optimiser = Literal["adamw", "momentum"]
Augmentation = Literal["none", "mirror", "strong"]
SCHEDULES: tuple[Schedule, ...] = ("constant", "cosine", "step")
OPTIMISERS: tuple[Optimiser, ...] = ("adamw", "momentum")
AUGMENTATIONS: tuple[Augmentation, ...] = ("none", "mirror", "strong")

OwnClasses = tuple[tuple[str, tuple[str, ...]], ...]  # (class name, the album's photo keys) each


@dataclass(frozen=True, slots=True)
class ModeRow:
    """One of the ways to teach."""

    key: str
    label: str  # what visitors read
    start: Literal["trained", "random", "pixels"]  # what the network knows before
    unfrozen: Literal["head", "last block", "all"]  # what training may change
    learning_rate: float
    epochs: int


MODES: tuple[ModeRow, ...] = (
    ModeRow("head", "Frozen backbone, new head", "trained", "head", 1e-3, 30),
    ModeRow("last-block", "Last block unfrozen", "trained", "last block", 1e-4, 5),
    ModeRow("full", "Everything unfrozen, gently", "trained", "all", 5e-5, 3),
    ModeRow("scratch", "The same network from random weights", "random", "all", 1e-3, 10),
    ModeRow("pixels", "Linear classifier on raw pixels", "pixels", "head", 1e-3, 30),
)
_MODES = {row.key: row for row in MODES}


def mode_row(key: str) -> ModeRow:
    """Return the row of one way to teach.

    Raises:
        UserError: If there is no such way.
    """
    require_choice("mode", key, tuple(_MODES))
    return _MODES[key]


def require_classes(classes: OwnClasses) -> None:
    """Refuse a visitor's own classes that nothing can be learned from.

    Raises:
        UserError: If there are too few or too many classes or photographs, or names that repeat.
    """
    names = [name for name, _ in classes]
    if not MIN_CLASSES <= len(classes) <= MAX_CLASSES:
        raise UserError(
            "A data set of your own has {low} to {high} classes, this one has {count}. "
            "Make one folder or box per class.",
            low=MIN_CLASSES,
            high=MAX_CLASSES,
            count=len(classes),
        )
    if len(set(names)) < len(names) or not all(0 < len(n) <= MAX_NAME_LENGTH for n in names):
        raise UserError(
            "Every class needs a name of its own with 1 to {length} characters. Rename the boxes.",
            length=MAX_NAME_LENGTH,
        )
    for name, photos in classes:
        if len(set(photos)) < MIN_PHOTOS:
            raise UserError(
                "The class {name} has {count} different photographs and needs at least {low}: one "
                "to learn from and one to be tested on. Add some.",
                name=name,
                count=len(set(photos)),
                low=MIN_PHOTOS,
            )
    if sum(len(photos) for _, photos in classes) > MAX_PHOTOS:
        raise UserError(
            "That is more than {limit} photographs. Drop fewer, a few dozen per class are plenty.",
            limit=MAX_PHOTOS,
        )


@dataclass(frozen=True, kw_only=True)
class OnDataset(Spec):
    """What everything that looks at a data set has in common.

    ``dataset`` is a key of the catalogue, the name of a folder in ``TL_DATA_DIR``, or "own", whose
    classes are in ``photos``. ``seed`` decides which photographs are for training and which for
    testing.
    """

    dataset: str
    photos: OwnClasses = ()
    validation_share: float = 0.3  # where the data set has no val/ of its own
    max_validation: int = 600  # photographs tested on at most, equally many of each class

    def __post_init__(self) -> None:
        super().__post_init__()
        require(name="validation_share", value=self.validation_share, low=0.05, high=0.9)
        require(name="max_validation", value=self.max_validation, low=2, high=100_000)
        if self.dataset == OWN_DATASET:
            require_classes(self.photos)
        elif self.photos:
            raise ValueError("photos belong to the data set 'own' only")


@dataclass(frozen=True, kw_only=True)
class FineTune(OnDataset):
    """Teach ``backbone`` the classes of a data set, in one of the five ways of ``MODES``."""

    controls: ClassVar[frozenset[str]] = frozenset(
        {"learning_rate", "weight_decay", "dropout", "clip_norm"}
    )

    mode: str = "head"
    photos_per_class: int = 0  # trained on at most; 0: all
    epochs: int = 0  # 0: the mode's own
    learning_rate: float = 0.0  # 0: the mode's own
    schedule: Schedule = "cosine"
    optimiser: Optimiser = "adamw"
    momentum: float = 0.9
    weight_decay: float = 0.01
    dropout: float = 0.0  # share of the embedding that is dropped
    batch_size: int = 32
    augmentation: Augmentation = "none"
    early_stopping: int = 0  # epochs without a better one before the end; 0: never
    train_batch_norm: bool = False  # batch-norm learns too; from random weights it always does
    clip_norm: float = 0.0  # longest gradient; 0: any
    head_first: bool = True  # before anything else is unfrozen

    def __post_init__(self) -> None:
        super().__post_init__()
        mode_row(self.mode)
        require_choice("schedule", self.schedule, SCHEDULES)
        require_choice("optimiser", self.optimiser, OPTIMISERS)
        require_choice("augmentation", self.augmentation, AUGMENTATIONS)
        for name, (low, high) in _FINE_TUNE_RANGES.items():
            require(name=name, value=getattr(self, name), low=low, high=high)

    @property
    def way(self) -> ModeRow:
        """The mode's row."""
        return mode_row(self.mode)

    @property
    def chosen_epochs(self) -> int:
        """Epochs to train, the mode's own where the spec leaves it open."""
        return self.epochs or self.way.epochs

    @property
    def chosen_learning_rate(self) -> float:
        """Learning rate at the start, the mode's own where the spec leaves it open."""
        return self.learning_rate or self.way.learning_rate


_FINE_TUNE_RANGES: dict[str, tuple[float, float]] = {
    "photos_per_class": (0, 100_000),
    "epochs": (0, 200),
    "learning_rate": (0, 10),
    "momentum": (0, 0.999),
    "weight_decay": (0, 10),
    "dropout": (0, 0.9),
    "batch_size": (1, 512),
    "early_stopping": (0, 200),
    "clip_norm": (0, 1000),
}


@dataclass(frozen=True, kw_only=True)
class LabelBudget(OnDataset):
    """How accurate a head becomes with few labels: known features, random ones, raw pixels."""

    counts: tuple[int, ...] = (1, 2, 4, 8, 16, 50)  # photographs a class
    repeats: int = 5  # seeds averaged

    def __post_init__(self) -> None:
        super().__post_init__()
        require(name="repeats", value=self.repeats, low=1, high=20)
        require(name="number of counts", value=len(self.counts), low=1, high=20)
        for count in self.counts:
            require(name="photographs a class", value=count, low=1, high=100_000)


@dataclass(frozen=True, kw_only=True)
class LookAtData(OnDataset):
    """Counts, thumbnails and duplicates of a data set, before anything is trained on it."""

    thumbnails: int = 6  # a class
    thumbnail_side: int = 96  # pixels

    def __post_init__(self) -> None:
        super().__post_init__()
        require(name="thumbnails", value=self.thumbnails, low=0, high=50)
        require(name="thumbnail_side", value=self.thumbnail_side, low=16, high=512)


@dataclass(frozen=True, kw_only=True)
class ImportData(Spec):
    """Download a data set of the catalogue, unpack it and leave out what cannot be read."""

    dataset: str


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Training so far, averaged since the point before."""

    epoch: float  # 2.5: in the middle of the third
    loss: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class EpochPoint:
    """One finished epoch; ``part`` says whether the head alone was learning or the network too."""

    epoch: int  # from 1, counted through both parts
    part: Literal["head", "network"]
    seconds: float  # since the run began
    learning_rate: float
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """How one class fared; shares of 1, 0 where there was nothing to divide by."""

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

    @property
    def is_right(self) -> bool:
        """Whether the answer was the true class."""
        return self.label == self.predicted


@dataclass(frozen=True, slots=True)
class FineTuneResult:
    """What the best epoch achieves on the photographs that were not trained on."""

    accuracy: float
    interval: tuple[float, float]  # Wilson, 95 %
    top3: float
    classes: tuple[ClassFigures, ...]
    confusion: tuple[tuple[int, ...], ...]  # [label][predicted]
    predictions: tuple[Prediction, ...]
    model: str  # the store's key of the finished model, "own:<id>"


@dataclass(frozen=True, kw_only=True)
class FineTuneSnapshot(Snapshot):
    """A training run as it stands; ``result`` comes with the last one.

    ``step`` and ``steps`` count updates of the part in progress; while features are extracted or
    photographs read they count photographs.
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
    train_photographs: int = 0
    validation_photographs: int = 0
    left_out: tuple[str, ...] = ()  # files that no decoder could read
    result: FineTuneResult | None = None


@dataclass(frozen=True, slots=True)
class BudgetPoint:
    """Accuracy from so many photographs a class, over several seeds."""

    photos_per_class: int
    start: Literal["trained", "random", "pixels"]
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


@dataclass(frozen=True, slots=True)
class ClassLook:
    """One class of a data set."""

    name: str
    train: int
    validation: int
    thumbnails: tuple[bytes, ...] = ()  # JPEG
    names: tuple[str, ...] = ()  # of the photographs on the thumbnails


@dataclass(frozen=True, kw_only=True)
class LookSnapshot(Snapshot):
    """What is in a data set; while files are being checked only ``step`` of ``steps`` are told."""

    phase: str
    label: str = ""
    classes: tuple[ClassLook, ...] = ()
    imbalance: float = 1.0  # photographs of the largest class over those of the smallest
    duplicates: int = 0  # photographs that are there a second time, byte for byte
    duplicates_across: int = 0  # of them, taken out of training because they are in the test
    left_out: tuple[str, ...] = ()  # files that no decoder could read
    is_unlike_imagenet: bool = False


@dataclass(frozen=True, kw_only=True)
class ImportSnapshot(Snapshot):
    """A download and its unpacking; ``step`` of ``steps`` are bytes, then photographs."""

    phase: str
    photographs: int = 0
    left_out: tuple[str, ...] = ()
