"""What an attacked network shall see: a class, or anything but some classes."""

from dataclasses import dataclass

from tl_core.errors import gettext_noop as N_
from tl_core.specs.base import SnapshotT, Spec, require, require_choice


@dataclass(frozen=True, slots=True)
class Group:
    """A run of ImageNet classes that belong together."""

    key: str
    label: str  # "anything but ..."
    first: int
    last: int

    @property
    def classes(self) -> tuple[int, ...]:
        """Their indices."""
        return tuple(range(self.first, self.last + 1))


GROUPS: dict[str, Group] = {
    group.key: group
    for group in (
        Group("dog", N_("a dog"), 151, 268),
        Group("cat", N_("a cat"), 281, 285),
        Group("bird", N_("a bird"), 7, 24),
        Group("animal", N_("an animal"), 0, 397),
    )
}


@dataclass(frozen=True, kw_only=True)
class Goal(Spec[SnapshotT]):
    """What the network shall see: the class ``target``, or with ``None`` anything but ``avoid``.

    ``avoid`` is a key of ``GROUPS``, or "" for the class that the network sees at first.
    """

    target: int | None = 284
    avoid: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.target is not None:
            require(name="target", value=self.target, low=0, high=10**6)
        require_choice("avoid", self.avoid, ("", *GROUPS))
