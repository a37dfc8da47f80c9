"""What every spec and every snapshot has."""

import dataclasses
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import (
    Annotated,
    Any,
    ClassVar,
    Generic,
    Self,
)

from typing_extensions import TypeVar  # typing's has no default before Python 3.13

from tl_core.errors import Phrase, UserError

DEFAULT_BACKBONE = "efficientnet_lite0"
VERSION = 1  # of the JSON; to be raised when an older reader would misread a newer spec
QUOTED = 200  # characters of what a person or a file said, in an error
OWN = "own:"  # of the key of a visitor's model
PHOTO_PREFIX = "sha256:"  # of the key of a visitor's photograph
KINDS: dict[str, type["Spec"]] = {}


def require(*, name: str, value: float, low: float, high: float, hint: str = "") -> None:
    """Refuse a number outside [low, high] (NaN included) in the sentence all specs use.

    Raises:
        UserError: If the value is not inside the range.
    """
    if not low <= value <= high:
        raise UserError(
            "{name} must be between {low} and {high}, got {value}. {hint}",
            name=name,
            low=low,
            high=high,
            value=value,
            hint=Phrase(hint) if hint else Phrase("Choose a value in that range."),
        )


@dataclass(frozen=True, slots=True)
class Between:
    """The range of a spec's number, both ends included, as in ``Annotated[int, Between(1, 9)]``."""

    low: float
    high: float


def require_choice(name: str, value: str, choices: Collection[str]) -> None:
    """Refuse a word that is not one of ``choices``.

    Raises:
        UserError: If it is none of them.
    """
    if value not in choices:
        raise UserError(
            "{name} must be one of {choices}, got {value}.",
            name=name,
            choices=", ".join(choice for choice in choices if choice),
            value=f"{value:.{QUOTED}}",
        )


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The newest state of a job, ready to draw: figures, and pictures as encoded bytes."""

    step: int = 0
    steps: int = 1


SnapshotT = TypeVar("SnapshotT", bound=Snapshot, default=Snapshot, covariant=True)


@dataclass(frozen=True, kw_only=True)
class Spec(Generic[SnapshotT]):
    """What to do, on which backbone, with which seed: hashable, picklable, JSON in and out.

    ``SnapshotT`` is the kind of snapshot that it is answered with.
    ``backbone`` is a catalogue key, or ``own:<id>`` for a model that a visitor has trained.
    Fields hold strings, numbers, booleans and tuples of them; ``Between`` gives a number's range.
    """

    backbone: str = DEFAULT_BACKBONE
    seed: Annotated[int, Between(0, 2**32 - 1)] = 0

    can_begin_again: ClassVar[bool] = True  # by itself, where what ran it was lost
    is_quick: ClassVar[bool] = False  # short questions go before long runs
    is_live: ClassVar[bool] = False  # a camera's frames, which share the device's time with runs
    uses_network: ClassVar[bool] = True  # what does not goes on beside the runs, however many
    controls: ClassVar[frozenset[str]] = frozenset()  # fields that may move during a run
    # values of fields that a file written by the lab does not name, since they are younger
    left_out_means: ClassVar[Mapping[str, object]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__name__ in KINDS and KINDS[cls.__name__].__module__ != cls.__module__:
            raise ValueError(f"two specs are called {cls.__name__}")
        KINDS[cls.__name__] = cls

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            for limits in getattr(field.type, "__metadata__", ()):
                value = getattr(self, field.name)
                require(name=field.name, value=value, low=limits.low, high=limits.high)

    @property
    def is_run(self) -> bool:
        """Whether it is long work on a network, which takes turns with other runs."""
        return self.uses_network and not self.is_quick

    @property
    def batch_key(self) -> tuple[object, ...] | None:
        """Jobs with equal keys may share a runner; ``None`` for work that stays alone."""
        return None

    @property
    def subject(self) -> str:
        """What the work is about, as a log may name it: "own" for a visitor's model."""
        return self.backbone.partition(":")[0]

    def moved(self, **controls: object) -> Self:
        """Return this spec with some of its controls changed.

        Raises:
            UserError: If a value is out of its range.
            ValueError: If a name is not a control of this spec.
        """
        unknown = controls.keys() - self.controls
        if unknown:
            raise ValueError(f"not controls of {type(self).__name__}: {sorted(unknown)}")
        return dataclasses.replace(self, **controls)  # type: ignore[arg-type]

    def to_json(self) -> str:
        """Return the spec as one JSON object with its kind and the format's version."""
        kind = {"kind": type(self).__name__, "version": VERSION}
        return json.dumps(kind | dataclasses.asdict(self))


def photo_keys(spec: Spec) -> set[str]:
    """Find the keys of visitors' photographs, wherever in a spec they stand."""
    return keys_in(spec, PHOTO_PREFIX)


def keys_in(spec: Spec, prefix: str) -> set[str]:
    """Find the texts that begin so, wherever in a spec they stand."""
    return _keys_in(dataclasses.astuple(spec), prefix)


def _keys_in(value: object, prefix: str) -> set[str]:
    if isinstance(value, tuple):
        return set().union(*(_keys_in(one, prefix) for one in value))
    return {value} if isinstance(value, str) and value.startswith(prefix) else set()
