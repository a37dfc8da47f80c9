"""Data sets: which one a spec names, its preview and its import."""

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from tl_core.errors import UserError
from tl_core.specs.base import Between, Snapshot, SnapshotT, Spec

OWN_DATASET = "own"
PRIVATE_DATASET = "photographs of one's own"  # in place of "own" in settings for other visits
FOLDER = "folder:"  # before the name of a folder in TL_DATA_DIR that is not to be mistaken
MIN_CLASSES, MAX_CLASSES = 2, 20  # of a visitor's own data set
MIN_PHOTOS = 2  # a class: one to train on, one to test on
MAX_PHOTOS = 5000
MAX_NAME_LENGTH = 60

_JOINERS = "\u200c\u200d"
# Unicode lists them among letters, symbols and marks, and they show nothing by themselves
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"  # fillers of Hangul, the blank of Braille
_SHAPING = re.compile(f"[{_JOINERS}\u034f\ufe00-\ufe0f]")  # of the characters beside them

OwnClasses = tuple[tuple[str, tuple[str, ...]], ...]  # (class name, the photo store's keys) each


def clean_name(text: str, length: int = MAX_NAME_LENGTH) -> str:
    """Return a name out of a file without what is not seen, at most ``length`` characters.

    Control characters, marks that turn the direction of reading and halves of characters leave;
    runs of spaces and blanks become one. Joiners stay, which some scripts and emoji need.
    """
    spaced = re.sub(f"[{_BLANKS}]", " ", text[: 2 * length])
    seen = "".join(c if _is_seen(c) else " " if c.isspace() else "" for c in spaced)
    return " ".join(part for part in seen.split(" ") if part)[:length].strip()


def _is_seen(character: str) -> bool:
    category = unicodedata.category(character)
    return category not in ("Cc", "Cf", "Cs", "Zl", "Zp") or character in _JOINERS


def are_own_names(names: Sequence[str]) -> bool:
    """Whether each name has a fitting length and none looks like another."""
    return all(len(name) <= MAX_NAME_LENGTH for name in names) and look_different(names)


def look_different(names: Sequence[str]) -> bool:
    """Whether each name shows something, and no other name the same."""
    shown = (_SHAPING.sub("", clean_name(name, len(name))) for name in names)
    # An accented letter may be one character or two, and a space is one of many
    looks = {unicodedata.normalize("NFC", " ".join(name.split())) for name in shown}
    return "" not in looks and len(looks) == len(names)


def require_names(names: Sequence[str]) -> None:
    """Refuse classes that cannot be told apart by their names.

    Raises:
        UserError: If so.
    """
    if not are_own_names(names):
        raise UserError(
            "Every class needs its own name of 1 to {length} characters. Rename the boxes.",
            length=MAX_NAME_LENGTH,
        )


def require_classes(
    classes: OwnClasses, tests: OwnClasses = (), corrections: Collection[str] = ()
) -> None:
    """Refuse a visitor's own classes that cannot be trained on.

    Those that have ``tests`` of their own keep none of their photographs aside; those with a
    photograph among the ``corrections`` may be new, and have nothing else yet.

    Raises:
        UserError: If there are too few or too many classes or photographs, or names that repeat.
    """
    names = [name for name, _ in classes]
    if not MIN_CLASSES <= len(classes) <= MAX_CLASSES:
        raise UserError(
            "Your own data set can have {low} to {high} classes, but this one has {count}. Make "
            "one folder or box per class.",
            low=MIN_CLASSES,
            high=MAX_CLASSES,
            count=len(classes),
        )
    require_names(names)
    tested = {name for name, photos in tests if photos}
    for name, photos in classes:
        is_new = not set(photos).isdisjoint(corrections)
        if len(set(photos)) < (1 if name in tested or is_new else MIN_PHOTOS):
            raise UserError(
                "The class {name} has {count} different photographs, but it needs at least {low}: "
                "one for training and one for validation. Add some.",
                name=name,
                count=len(set(photos)),
                low=MIN_PHOTOS,
            )
    if sum(len(photos) for _, photos in classes + tests) > MAX_PHOTOS:
        raise UserError(
            "That is more than {limit} photographs. Choose fewer: a few dozen per class is plenty.",
            limit=MAX_PHOTOS,
        )


@dataclass(frozen=True, kw_only=True)
class OnDataset(Spec[SnapshotT]):
    """A spec that uses a data set.

    ``dataset`` is a key of the catalogue, the name of a folder in ``TL_DATA_DIR`` (after "folder:"
    where the name means something else already), or "own", whose classes are in ``photos``.
    ``seed`` decides which photographs are for training and which for testing; of "own", classes
    that are among ``tests`` too are tested on those. ``bursts`` says which photographs of "own"
    come from one recording of a camera: these near copies stay on one side. ``corrections`` were
    mistakes: they are learned from, and test nothing.
    """

    dataset: str
    photos: OwnClasses = ()
    tests: OwnClasses = ()
    bursts: tuple[tuple[str, ...], ...] = ()  # keys of photographs
    corrections: tuple[str, ...] = ()  # keys of photographs to learn from in any case
    validation_share: Annotated[float, Between(0.05, 0.9)] = 0.3  # where there is no val/
    # Photographs tested on at most, equally many of each class
    max_validation: Annotated[int, Between(2, 100_000)] = 600

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dataset == OWN_DATASET:
            require_classes(self.photos, self.tests, self.corrections)
            if not {name for name, _ in self.tests} <= {name for name, _ in self.photos}:
                raise ValueError("tests must be of the classes in photos")
        elif self.photos or self.tests or self.bursts:
            raise ValueError("photos, tests and bursts belong to the data set 'own' only")


@dataclass(frozen=True, kw_only=True)
class PreviewData(OnDataset["PreviewSnapshot"]):
    """Counts, thumbnails and duplicates of a data set, before anything is trained on it."""

    uses_network: ClassVar[bool] = False

    thumbnails: Annotated[int, Between(0, 50)] = 6  # a class
    thumbnail_side: Annotated[int, Between(16, 512)] = 96  # pixels

    @property
    def subject(self) -> str:
        """The data set; "own" for a visitor's."""
        return self.dataset


@dataclass(frozen=True, kw_only=True)
class ImportData(Spec["ImportSnapshot"]):
    """Download a data set of the catalogue, unpack it and leave out what cannot be read."""

    uses_network: ClassVar[bool] = False

    dataset: str

    @property
    def subject(self) -> str:
        """What is fetched."""
        return self.dataset


@dataclass(frozen=True, slots=True)
class ClassPreview:
    """One class of a data set."""

    name: str
    train: int
    validation: int
    thumbnails: tuple[bytes, ...] = ()  # JPEG
    names: tuple[str, ...] = ()  # of the photographs on the thumbnails


@dataclass(frozen=True, kw_only=True)
class PreviewSnapshot(Snapshot):
    """What is in a data set; while files are being checked only ``step`` and ``steps`` are set."""

    phase: str
    label: str = ""
    classes: tuple[ClassPreview, ...] = ()
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
