"""What an attack is to reach, and when it has: the classes that count, the saved file asked."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from tl_core.backbones.backbone import Backbone, read_answers
from tl_core.context import pixels_from
from tl_core.errors import UserError
from tl_core.images.decode import read_back
from tl_core.images.encode import encode_png
from tl_core.images.photo import Photo, PhotoArray
from tl_core.specs.attack import GROUPS, Goal
from tl_core.specs.classify import Novelty


@dataclass(frozen=True)
class ClassGoal:
    """The class to see, or the classes not to see."""

    classes: tuple[int, ...]
    is_targeted: bool

    @property
    def sign(self) -> float:
        """Factor on every loss: an untargeted attack maximises that of its classes."""
        return 1.0 if self.is_targeted else -1.0

    def weights(self, count: int, device: torch.device) -> Tensor:
        """Target weights of a slot, (count,): 1 at its classes."""
        weights = torch.zeros(count, device=device)
        weights[list(self.classes)] = 1
        return weights

    def is_reached(self, logits: Tensor) -> bool:
        """Whether the likeliest of ``logits`` (classes,) is as wanted; waits for their device."""
        return (int(logits.argmax()) in self.classes) == self.is_targeted

    def probability(self, logits: Tensor) -> float:
        """Probability that the answer is as wanted; waits for their device."""
        mass = float(logits.softmax(0)[list(self.classes)].sum())
        return mass if self.is_targeted else 1 - mass


def goal_of(spec: Goal, logits: Sequence[float]) -> ClassGoal:
    """Return what ``spec`` means for a network that answers a photograph with ``logits``.

    Raises:
        UserError: If the network does not have those classes, or has no others.
    """
    count = len(logits)
    if spec.target is not None:
        goal = ClassGoal((spec.target,), is_targeted=True)
    elif spec.avoid:
        goal = ClassGoal(GROUPS[spec.avoid].classes, is_targeted=False)
    else:
        goal = ClassGoal((int(torch.tensor(logits).argmax()),), is_targeted=False)
    if max(goal.classes) >= count:
        raise UserError(
            "This network knows {count} classes, numbered from 0, so there is no class {number}. "
            "Choose one that it has.",
            count=count,
            number=max(goal.classes),
        )
    return goal


def saved_answers(backbones: Sequence[Backbone], picture: PhotoArray) -> list[Tensor]:
    """Return each network's logits for the picture, saved as PNG and read back."""
    read = Image.fromarray(read_back(encode_png(picture)))
    return [answer(backbone, read) for backbone in backbones]


def is_fooled(backbones: Sequence[Backbone], picture: PhotoArray, goal: ClassGoal) -> bool:
    """Whether the saved picture reaches the goal on every network."""
    return all(goal.is_reached(logits) for logits in saved_answers(backbones, picture))


def answer(backbone: Backbone, photo: Photo) -> Tensor:
    """Return the logits (classes,) of a network for a photograph, to be read."""
    return answers(backbone, [photo], at_once=1)[0]


@torch.inference_mode()
def novelty(backbone: Backbone, photo: Photo) -> Novelty | None:
    """How unusual a photograph is, where the network can tell; waits for the device."""
    if backbone.novelty is None:
        return None
    pixels = pixels_from(backbone.row.fit(photo), backbone.device)
    return backbone.novelty.judge(backbone.embed(pixels))[0]


@torch.inference_mode()
def answers(backbone: Backbone, photos: Sequence[Photo], *, at_once: int) -> Tensor:
    """Return the logits (N, classes) for photographs, so many in one pass, to be read."""
    arrays = [backbone.row.fit(photo) for photo in photos]
    pixels = torch.cat([pixels_from(array, backbone.device) for array in arrays])
    parts = torch.split(pixels, at_once)
    return read_answers(torch.cat([backbone.logits(part) for part in parts]))
