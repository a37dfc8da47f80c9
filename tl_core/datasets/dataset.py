"""A data set in use, and its split into photographs to learn from and photographs to test on."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Side = Literal["", "train", "validation"]


@dataclass(frozen=True, slots=True)
class Example:
    """One photograph and its true class."""

    key: str  # of its content: copies have the same
    label: int
    name: str  # where it lies in its data set
    side: Side = ""  # where the data set itself says so
    burst: str = ""  # the recording of a camera it comes from: its photographs are near copies


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples by class; ``read`` gives a photograph's file and may run in any thread."""

    key: str
    label: str
    classes: tuple[str, ...]
    examples: tuple[Example, ...]
    read: Callable[[Example], bytes]
    is_unlike_imagenet: bool = False
    is_private: bool = False  # a visitor's own: nothing of it may reach the disk
    left_out: tuple[str, ...] = ()  # files that no decoder could read
    # Measured beside validation, never learned from; by what is different in them
    tests: Mapping[str, tuple[Example, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Split:
    """Two sides with no photograph in common."""

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    duplicates_across: int = 0  # left out of training because their copy is tested on


def split(dataset: Dataset, *, share: float, seed: int, corrections: Collection[str] = ()) -> Split:
    """Divide a data set, class by class and reproducibly by ``seed``; copies stay on one side.

    Photographs that come with a side keep it, if some come for the test. Of the others, a ``share``
    of each class is tested on; a class of two such photographs or more has at least one on each
    side. What has a copy in the test is not learned from.

    ``corrections`` are keys of photographs to learn from in any case: what would have tested is
    taken out of the test, which stays as it is otherwise.

    A burst stays on one side. Where that leaves a class without a test, there is none: to be right
    about the other classes alone would say nothing.
    """
    has_test = any(example.side == "validation" for example in dataset.examples)

    def is_free(example: Example) -> bool:
        return not (has_test and example.side)

    held_out = _held_out(filter(is_free, dataset.examples), share, seed)
    validation = tuple(
        e
        for e in dataset.examples
        if e.key not in corrections
        and (e.key in held_out if is_free(e) else e.side == "validation")
    )
    is_thin = corrections or any(e.burst for e in dataset.examples)
    if is_thin and not _has_every_class(validation, dataset):
        validation = ()
    tested = {example.key for example in validation}
    train = tuple(example for example in dataset.examples if example.key not in tested)
    across = len(dataset.examples) - len(train) - len(validation)
    return Split(train, validation, across)


def _held_out(examples: Iterable[Example], share: float, seed: int) -> set[str]:
    """Keys to test on; a photograph filed under two classes counts for the first."""
    owner: dict[str, Example] = {}
    for example in examples:
        owner.setdefault(example.key, example)
    by_class: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for key, example in owner.items():
        by_class[example.label][example.burst or key].append(key)
    chosen: set[str] = set()
    for label, groups in by_class.items():
        size = sum(map(len, groups.values()))
        most = min(max(round(share * size), 1), size - 1)
        order = shuffled(groups, f"split {seed} {label}")
        chosen |= _groups_within(most, [groups[one] for one in order])
    return chosen


def _groups_within(most: int, groups: list[list[str]]) -> set[str]:
    """Whole groups of at most so many keys; if each has more, the smallest, but never all."""
    chosen: set[str] = set()
    for group in groups:
        if len(chosen) + len(group) <= most:
            chosen.update(group)
    if not chosen and len(groups) > 1:
        smallest = min(groups, key=len)
        chosen.update(smallest)
    return chosen


def _has_every_class(examples: Iterable[Example], dataset: Dataset) -> bool:
    return {e.label for e in examples} == {e.label for e in dataset.examples}


def sample_per_class(
    examples: Iterable[Example], per_class: int, *, seed: int
) -> tuple[Example, ...]:
    """Return at most ``per_class`` examples of each class, no copies; 0 takes every one.

    With one seed, fewer are always among more: the sets are nested.
    """
    examples = tuple(examples)
    if per_class == 0:
        return examples
    by_class: dict[int, dict[str, Example]] = defaultdict(dict)
    for example in examples:
        by_class[example.label].setdefault(example.key, example)
    return tuple(
        by_class[label][key]
        for label in sorted(by_class)
        for key in shuffled(by_class[label], f"take {seed} {label}")[:per_class]
    )


def duplicates(examples: Iterable[Example]) -> int:
    """Count the photographs that are there a second time, byte for byte."""
    counts = Counter(example.key for example in examples)
    return sum(counts.values()) - len(counts)


def shuffled(keys: Iterable[str], seed: str) -> list[str]:
    """Keys in random order, whatever their order before, such as that of files on a disk."""
    ordered = sorted(keys)
    random.Random(seed).shuffle(ordered)
    return ordered
