"""The label budget: how accurate a head becomes with few labels."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from tl_core.specs.base import Between, Snapshot, require
from tl_core.specs.datasets import OnDataset


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
