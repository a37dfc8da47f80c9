"""A slot: one picture on its way, with everything that a step needs to know of it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from tl_core.imageopt import augment
from tl_core.imageopt.losses import Watch
from tl_core.imageopt.optimisers import Optimiser
from tl_core.imageopt.pixels import Parameterisation
from tl_core.specs import Camera, Ramp
from tl_core.specs.recipes import FULL, NONE, STILL

# Views (V, 3, S, S) and uniform draws (V, DRAWS) to views as they reach the network; differentiable
Lens = Callable[[Tensor, Tensor], Tensor]


@dataclass(eq=False)
class Slot:
    """One picture's place in a batch: all it needs to go on, alone or beside others.

    ``state`` stacks the parameters, the optimiser's first and second moments and the parameters at
    the start, (4, ...); while the slot is in a batch, the batch holds the state. Only the worker
    may touch a slot.
    """

    parameterisation: Parameterisation
    state: Tensor
    aim: Tensor  # weight of each class, (classes,): one-hot for a single target
    generator: torch.Generator  # on the device; all of this slot's random numbers
    steps: int
    optimiser: Optimiser
    learning_rate: float
    rate: Ramp = FULL  # factor on the learning rate and on the decay
    decay: float = 0.0  # share of the way back to the start at each step
    terms: dict[str, Ramp] = field(default_factory=dict)  # weights of ``losses.TERMS``
    tv_weight: float = 0.0
    camera: Camera = STILL
    strength: float = 1.0  # factor on the camera, from the visitor
    reach: Ramp = FULL  # factor on the camera, from the recipe
    noise: Ramp = NONE  # on what the network sees
    branches: float = 1.0  # factor on the gradient through residual branches
    watch: Watch | None = None  # for the term ``activation``
    constraint: Callable[[Tensor], Tensor] | None = None  # (1, ...) to (1, ...), after each step
    reshape: Callable[[Tensor], Tensor] | None = None  # the same for each gradient, before the step
    reference: Tensor | None = None  # (1, 3, S, S): the total variation is of the change to it
    lens: Lens | None = None  # what the views look through
    step: int = 0

    @property
    def progress(self) -> float:
        """Share of the run that is done, in [0, 1]."""
        return self.step / self.steps

    @property
    def limits(self) -> tuple[float, ...]:
        """How far the camera may move at this step, for ``augment.views``."""
        return augment.limits(self.camera, self.strength * self.reach.at(self.progress))


def fresh_state(parameters: Tensor) -> Tensor:
    """Return a slot's state at its start, without momentum; ``parameters`` is (1, ...)."""
    rest = torch.zeros_like(parameters)
    return torch.stack([parameters, rest, rest, parameters], dim=1)[0]


def unit_box(pixels: Tensor) -> Tensor:
    """Keep pixels in [0, 1]."""
    return pixels.clamp(0, 1)
