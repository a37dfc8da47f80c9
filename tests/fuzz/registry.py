"""The kinds of generated cases, and how one case is checked."""

import importlib
import pkgutil
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

Check = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of case: ``check(seed)`` makes the case of that seed and tries it on the lab.

    It raises AssertionError, or lets any other exception or warning through, where the lab breaks.
    """

    name: str
    check: Check
    share: float = 1.0  # of the cases, compared with other kinds; small for slow kinds

    def __post_init__(self) -> None:
        if not self.name or self.share <= 0:
            raise ValueError(f"a kind needs a name and a share above 0, got {self}")


def all_kinds() -> dict[str, Kind]:
    """Every row of every ``KINDS`` tuple in the modules beside this one, by name.

    Raises:
        ValueError: If two rows have one name.
    """
    kinds: dict[str, Kind] = {}
    for info in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if info.name == "__main__":
            continue
        module = importlib.import_module(f"{__package__}.{info.name}")
        for kind in getattr(module, "KINDS", ()):
            if kind.name in kinds:
                raise ValueError(f"two kinds have the name {kind.name}")
            kinds[kind.name] = kind
    return kinds


def dealt(kinds: dict[str, Kind], cases: int, seed: int) -> Iterator[tuple[Kind, int]]:
    """About ``cases`` pairs of a kind and a seed: each kind at least once, by its share.

    The seeds of each kind start at ``seed``, so that one kind, one case and the seed of a failure
    give that failure again.
    """
    shares = sum(kind.share for kind in kinds.values())
    for kind in kinds.values():
        count = max(1, round(cases * kind.share / shares))
        for offset in range(count):
            yield kind, seed + offset


def check(kind: Kind, seed: int) -> None:
    """Try one case, with warnings as errors.

    Raises:
        Exception: Whatever the lab should not have let through.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kind.check(seed)
