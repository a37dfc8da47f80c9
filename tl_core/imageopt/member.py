"""A job's picture in a batch: its controls, moves, figures and pace."""

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from tl_core.imageopt.slot import Slot
from tl_core.specs.base import Spec

HISTORY_ROWS = 512  # most rows of figures kept for a curve
PACE_PICTURES = 16  # newest pictures of a job over which its speed is measured

AnyMove = tuple[int, str, Any]  # the first step on which a control has a new value


@dataclass(eq=False, kw_only=True)
class Member(ABC):
    """A picture in the batch, with what it needs to go on; moves out whole on a pause."""

    spec: Any  # as it began, with the moves to replay
    controls: Any = field(init=False)  # as they act now: the spec with the moves so far
    current: Any = field(init=False)  # the job's, when it was last looked at
    slot: Slot
    moves: list[AnyMove] = field(default_factory=list)
    stride: int = 1  # of the steps kept in the history
    history: list[tuple[float, ...]] = field(default_factory=list)
    is_finite: bool = True  # false once a figure was not a number
    encoding: Future[Any] | None = None  # what the pool makes of its latest picture
    is_last: bool = False  # that picture is the result
    due_at: float = 0.0  # when the next picture is
    batch_size: int = 1  # pictures that advanced with it, itself included
    shown: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=PACE_PICTURES))
    # when its newest pictures were, and the steps they showed

    def __post_init__(self) -> None:
        self.controls = self.current = self.spec

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs of it, whose clock is another and whose pool is empty."""
        return vars(self) | {"encoding": None, "is_last": False, "due_at": 0.0}

    def begin_pace(self) -> None:
        """Measure its speed from here."""
        self.shown.clear()
        self.shown.append((time.monotonic(), self.slot.step))

    def pace(self, batch_size: int) -> float:
        """Note a picture, and return the steps a second since batches had this size."""
        if batch_size != self.batch_size:
            self.batch_size, newest = batch_size, self.shown[-1]
            self.shown.clear()
            self.shown.append(newest)
        self.shown.append((time.monotonic(), self.slot.step))
        (first_at, first), (now, newest_step) = self.shown[0], self.shown[-1]
        return (newest_step - first) / max(now - first_at, 1e-9)

    def moves_now(self, current: Spec) -> list[AnyMove]:
        """The moves that the spec holds for this step, then the visitor's.

        ``current`` is the job's spec as it stands.
        """
        step = self.slot.step
        return [move for move in self.spec.moves if move[0] == step] + [
            (step, name, getattr(current, name))
            for name in sorted(current.controls)
            if getattr(current, name) != getattr(self.current, name)
        ]

    def take(self, moves: Sequence[AnyMove], current: Spec) -> None:
        """Let moves act on the controls, and keep them for a replay."""
        self.current = current
        self.moves += moves
        for _, name, value in moves:
            self.controls = self.controls.moved(**{name: value})

    @property
    @abstractmethod
    def is_done(self) -> bool:
        """Whether it takes no further step."""

    @abstractmethod
    def read(self, step: int, figures: Mapping[str, float], pixels: Tensor) -> None:
        """Take in the figures of a step and the pixels before it, (1, 3, S, S)."""

    def is_due(self, now: float) -> bool:
        """Whether its picture shall be encoded now."""
        is_free = self.encoding is None and not self.is_last
        return is_free and (self.is_done or now >= self.due_at)

    def add_row(self, step: int, *figures: float) -> None:
        """Keep a row of the history, fewer and fewer once there are ``HISTORY_ROWS``."""
        if step % self.stride == 0:
            self.history.append((step, *figures))
        if len(self.history) > HISTORY_ROWS:
            self.stride *= 2
            self.history[:] = self.history[::2]
