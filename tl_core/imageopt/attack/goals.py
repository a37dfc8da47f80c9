"""What an attack wants to see on top, and whether a network's answer has it there."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tl_core.errors import UserError
from tl_core.specs.attack import GROUPS, Goal


@dataclass(frozen=True)
class Aim:
    """The class to see, or the classes not to see."""

    classes: tuple[int, ...]
    is_targeted: bool

    @property
    def sign(self) -> float:
        """Factor on every loss: an untargeted attack runs away from its classes."""
        return 1.0 if self.is_targeted else -1.0

    def weights(self, count: int, device: torch.device) -> Tensor:
        """The aim of a slot, (count,): 1 at its classes."""
        weights = torch.zeros(count, device=device)
        weights[list(self.classes)] = 1
        return weights

    def is_reached(self, logits: Tensor) -> bool:
        """Whether the likeliest of ``logits`` (classes,) is as wanted; waits for the device."""
        return (int(logits.argmax()) in self.classes) == self.is_targeted

    def probability(self, logits: Tensor) -> float:
        """Probability that the answer is as wanted; waits for the device."""
        mass = float(logits.softmax(0)[list(self.classes)].sum())
        return mass if self.is_targeted else 1 - mass


def aim_of(goal: Goal, logits: Sequence[float]) -> Aim:
    """Return what ``goal`` means for a network that answers a photograph with ``logits``.

    Raises:
        UserError: If the network does not have those classes, or has no others.
    """
    count = len(logits)
    if goal.target is not None:
        aim = Aim((goal.target,), is_targeted=True)
    elif goal.avoid:
        aim = Aim(GROUPS[goal.avoid].classes, is_targeted=False)
    else:
        aim = Aim((int(torch.tensor(logits).argmax()),), is_targeted=False)
    if max(aim.classes) >= count:
        raise UserError(
            "This network knows {count} classes, numbered from 0, and none with the number "
            "{number}. Choose one that it has.",
            count=count,
            number=max(aim.classes),
        )
    return aim
