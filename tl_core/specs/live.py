"""What is on this frame of a camera, and where on it?"""

from dataclasses import dataclass, field
from typing import ClassVar

from tl_core.specs.base import Snapshot, Spec
from tl_core.specs.classify import Answer, Novelty

MOST_BYTES = 100_000  # of a frame
MOST_SIDE = 640  # pixels


@dataclass(frozen=True, kw_only=True)
class LiveFrame(Spec["LiveAnswer"]):
    """Ask a backbone about one frame; frames of several visitors go through it as one batch.

    Unlike other specs it holds the picture itself, since nobody asks for it twice: no file and no
    cache knows it.
    """

    frame: bytes = field(repr=False)  # a JPEG of what the network sees: a square, upright
    target: int | None = None  # the class of the map; none, or one it does not know: the likeliest

    is_quick: ClassVar[bool] = True
    is_live: ClassVar[bool] = True

    @property
    def batch_key(self) -> tuple[object, ...]:
        """Frames of one network share a batch."""
        return "live", self.backbone


@dataclass(frozen=True, kw_only=True)
class LiveAnswer(Snapshot):
    """The most probable classes, best first, and where the evidence for one of them lies."""

    answers: tuple[Answer, ...]
    shown: Answer  # the class of the map
    heat: bytes = b""  # the map, row by row, 0 to 255 at its warmest; nothing where there is none
    heat_side: int = 0  # rows, and values in each
    batch: int = 1  # frames that went through the network together
    novelty: Novelty | None = None  # of a model that can tell
