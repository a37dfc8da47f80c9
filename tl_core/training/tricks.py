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

    def fields(self, *, has_it: bool) -> dict[str, Any]:
        """The fields of one of the runs."""
        chosen = {**self.both, **(self.with_it if has_it else self.without)}
        return chosen if chosen["mode"] == "head" else chosen | {"max_validation": MOST_TESTED}


_FEW_FULL = {
    "mode": "full",
    "photos_per_class": 10,
    "epochs": 5,
    "batch_size": 16,
    "learning_rate": 5e-4,
    "head_first": False,  # or a network that does worse than its head is not what is kept
}
_FEW_HEAD = {"mode": "head", "photos_per_class": 20}

TRICKS: tuple[Trick, ...] = (
    Trick("rate", {"learning_rate": 5e-2}, {"learning_rate": 1e-4}, _FEW_FULL),
    Trick("rate-of-a-head", {"learning_rate": 1.0}, {"learning_rate": 1e-3}, _FEW_HEAD),
    Trick(
        "schedule",
        {"schedule": "constant"},
        {"schedule": "warm-up"},
        _FEW_FULL | {"learning_rate": 1e-3},
    ),
    Trick(
        "momentum",
        {"momentum": 0.0},
        {"momentum": 0.9},
        _FEW_HEAD | {"optimiser": "momentum", "learning_rate": 1e-2},
    ),
    Trick("adam", {"optimiser": "momentum"}, {"optimiser": "adamw"}, _FEW_HEAD),
    Trick("head-first", {"head_first": False}, {"head_first": True}, _FEW_FULL),
    Trick(
        "dropout",
        {"dropout": 0.0},
        {"dropout": 0.5},
        _FEW_HEAD | {"epochs": 100, "learning_rate": 1e-2},
    ),
    Trick(
        "batch-norm",
        {"train_batch_norm": True},
        {"train_batch_norm": False},
        _FEW_FULL,
    ),
    Trick(
        "clipping",
        {"clip_norm": 0.0},
        {"clip_norm": 1.0},
        _FEW_FULL | {"optimiser": "momentum", "learning_rate": 0.05},
    ),
    Trick(
        "weight-decay",
        {"weight_decay": 0.0},
        {"weight_decay": 1.0},
        _FEW_HEAD | {"epochs": 100, "learning_rate": 1e-2},
    ),
    Trick(
        "early-stopping",
        {"early_stopping": 0},
        {"early_stopping": 5},
        _FEW_HEAD | {"photos_per_class": 5, "epochs": 200, "learning_rate": 1e-2},
    ),
    Trick(
        "scaling",
        {"input_scaling": False},
        {"input_scaling": True},
        _FEW_HEAD,
        data="coloured_digits_at_random",
    ),
    Trick(
        "augmentation",
        {"augmentation": "none"},
        {"augmentation": "strong"},
        _FEW_FULL | {"epochs": 10},
    ),
    Trick("flips", {"augmentation": "mirror"}, {"augmentation": "none"}, _FEW_HEAD),
)
