"""A slot: one picture in a batch, with everything that its steps depend on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tl_core.imageopt import augment
from tl_core.imageopt.losses import ChannelObjective
from tl_core.imageopt.optimisers import UpdateRule, coefficients
from tl_core.imageopt.pixels import Parameterisation
from tl_core.imageopt.randomness import uniform
from tl_core.specs.recipe import IDENTITY, ONE, ZERO, Ramp, RandomAffine

# Views (V, 3, S, S) and two uniform numbers for each to what the network gets; differentiable
ViewTransform = Callable[[Tensor, Sequence[Sequence[float]]], Tensor]
TensorMap = Callable[[Tensor], Tensor]  # one slot's (1, ...) to (1, ...)


@dataclass(frozen=True)
class Objective:
    """What a picture is optimised for: a weighted sum of loss terms."""

    target_weights: Tensor  # of each class, (classes,): one-hot for a single target
    terms: Mapping[str, Ramp] = field(default_factory=dict)  # weights of ``losses.TERMS``
    tv_weight: float = 0.0
    tv_reference: Tensor | None = None  # (1, 3, S, S): the total variation is of the change to it
    channel: ChannelObjective | None = None  # for the term ``activation``
    residual_factor: float = 1.0  # on the gradient through residual branches


@dataclass(frozen=True)
class Augmentation:
    """What happens to a picture before the network sees it."""

    affine: RandomAffine = IDENTITY
    strength: float = 1.0  # factor on its ranges, from the visitor
    ramp: Ramp = ONE  # the same, from the recipe
    noise: Ramp = ZERO  # standard deviation, added last
    transform: ViewTransform | None = None


@dataclass(frozen=True)
class Update:
    """How the parameters follow the gradient."""

    rule: UpdateRule
    learning_rate: float
    ramp: Ramp = ONE  # factor on the learning rate and on the decay
    decay: float = 0.0  # share of the way back to the start at each step
    gradient_map: TensorMap | None = None  # applied to each gradient before the step
    constraint: TensorMap | None = None  # applied to the parameters after each step
    adapt: Callable[[Mapping[str, Tensor]], None] | None = None  # told each step's figures


@dataclass(eq=False)
class Slot:
    """One picture in a batch: all it needs to go on, alone or beside others.

    ``state`` stacks the parameters, the optimiser's first and second moments and the parameters at
    the start, (4, ...); while the slot is in a batch, the batch holds the state. Only the worker
    may touch a slot.
    """

    parameterisation: Parameterisation
    state: Tensor
    seed: int  # of all its random numbers
    steps: int
    objective: Objective
    update: Update
    augmentation: Augmentation = Augmentation()
    step: int = 0

    @property
    def views(self) -> int:
        """How many views of the picture a step shows to each network."""
        return self.augmentation.affine.views

    @property
    def progress(self) -> float:
        """Share of the run that is done, in [0, 1]."""
        return self.step / self.steps

    def affine_limits(self) -> tuple[float, ...]:
        """How far a view may move at this step, for ``augment.affine_maps``."""
        chosen = self.augmentation
        return augment.limits(chosen.affine, chosen.strength * chosen.ramp.at(self.progress))

    def coefficients(self) -> tuple[float, ...]:
        """The row of numbers that ``optimisers.update`` takes for this step."""
        factor = self.update.ramp.at(self.progress)
        rate, decay = self.update.learning_rate * factor, self.update.decay * factor
        return coefficients(self.update.rule, rate, self.step, decay)

    def loss_weights(self, terms: Sequence[str]) -> list[float]:
        """Weights of the total variation and of ``terms`` in this slot's loss at this step."""
        ramps = self.objective.terms
        known = [ramps[term].at(self.progress) if term in ramps else 0.0 for term in terms]
        return [self.objective.tv_weight, *known]

    def noise_level(self) -> float:
        """Standard deviation of the noise on the network's input at this step."""
        return self.augmentation.noise.at(self.progress)

    def draws(self) -> NDArray[np.float32]:
        """The random numbers of this step, uniform in [0, 1), (views, ``randomness.DRAWS``)."""
        return uniform(self.seed, self.step, self.views)


def fresh_state(parameters: Tensor) -> Tensor:
    """Return a slot's state at its start, without momentum; ``parameters`` is (1, ...)."""
    zeros = torch.zeros_like(parameters)
    return torch.stack([parameters, zeros, zeros, parameters], dim=1)[0]


def clamp_pixels(pixels: Tensor) -> Tensor:
    """Keep pixels in [0, 1]."""
    return pixels.clamp(0, 1)
