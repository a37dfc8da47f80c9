"""The training tricks of the lesson, each as two runs that differ in one thing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Fields = Mapping[str, Any]  # of ``FineTune``
MOST_TESTED = 100  # photographs by an unfrozen network, of which an epoch takes seconds


@dataclass(frozen=True, slots=True)
class Trick:
    """Two runs; ``both`` are the fields that they share, beside data and network."""

    key: str  # stable, of links: ``/teach?preset=KEY``
    without: Fields
    with_it: Fields
    both: Fields = field(default_factory=dict)
    data: str = "digits"  # on which it is shown: packaged, so that it is on every machine

    @property
    def is_about_rates(self) -> bool:
        """Whether the learning rate itself is what differs."""
        return list(self.without) == ["learning_rate"]

    def fields(self, *, has_it: bool) -> dict[str, Any]:
        """The fields of one of the runs."""
        chosen = {**self.both, **(self.with_it if has_it else self.without)}
        return chosen if chosen["mode"] == "head" else chosen | {"max_validation": MOST_TESTED}


_FEW_FULL = {
    "mode": "full",
    "photos_per_class": 10,
    "epochs": 5,
    "batch_size": 16,
    "head_first": False,  # or a network that does worse than its head is not what is kept
}
_FEW_HEAD = {"mode": "head", "photos_per_class": 20}
_LONG_HEAD = _FEW_HEAD | {"epochs": 100, "learning_rate": 1e-2}


def _at(rate: float, **fields: Any) -> Fields:
    """One side, at the learning rate that was best for it of the benchmark's three."""
    return fields | {"learning_rate": rate}


TRICKS: tuple[Trick, ...] = (
    Trick("rate", _at(5e-2), _at(1e-4), _FEW_FULL),
    Trick("rate-of-a-head", _at(1.0), _at(1e-3), _FEW_HEAD),
    Trick(
        "scaling",
        _at(1e-2, input_scaling=False),
        _at(1e-2, input_scaling=True),
        _FEW_HEAD,
        data="coloured_digits_at_random",
    ),
    Trick(
        "momentum",
        _at(0.1, momentum=0.0),
        _at(0.1, momentum=0.9),
        _FEW_HEAD | {"optimiser": "momentum"},
    ),
    Trick("adam", _at(0.1, optimiser="momentum"), _at(1e-2, optimiser="adamw"), _FEW_HEAD),
    Trick(  # the head's 30 epochs are updates too
        "head-first",
        _at(2e-4, head_first=False, epochs=35),
        _at(2e-4, head_first=True, epochs=5),
        _FEW_FULL,
    ),
    Trick(
        "batch-norm",
        _at(8e-4, train_batch_norm=True),
        _at(2e-4, train_batch_norm=False),
        _FEW_FULL,
    ),
    Trick(
        "clipping",
        _at(2e-3, clip_norm=0.0),
        _at(5e-2, clip_norm=1.0),
        _FEW_FULL | {"optimiser": "momentum"},
    ),
    Trick("dropout", {"dropout": 0.0}, {"dropout": 0.5}, _LONG_HEAD),
    Trick("weight-decay", _at(1e-2, weight_decay=0.0), _at(0.1, weight_decay=1.0), _LONG_HEAD),
    Trick(
        "early-stopping",
        {"early_stopping": 0},
        {"early_stopping": 5},
        _LONG_HEAD | {"photos_per_class": 5, "epochs": 200},
    ),
    Trick("flips", _at(1e-2, augmentation="mirror"), _at(1e-2, augmentation="none"), _FEW_HEAD),
)
