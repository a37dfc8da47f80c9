"""Foolbox's and Captum's attacks on one photograph, as rows; all get the same network and goal."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tl_core.backbones.backbone import Backbone

LEVEL = 1 / 255


class Network(nn.Module):
    """A backbone as a module from pixels to logits."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, pixels: Tensor) -> Tensor:
        return self.backbone.logits(pixels)


@dataclass(frozen=True)
class LibraryAttack:
    """``attack(network, pixels, target)`` returns pixels, not yet rounded."""

    label: str
    attack: Callable[[Network, Tensor, int], Tensor]


def captum_pgd(steps: int, epsilon: float, step_share: float) -> LibraryAttack:
    from captum.robust import PGD

    def attack(network: Network, pixels: Tensor, target: int) -> Tensor:
        def loss(logits: Tensor, labels: Tensor) -> Tensor:
            return F.cross_entropy(logits, labels, reduction="none")

        pgd = PGD(network, loss, lower_bound=0, upper_bound=1)
        pgd.fgsm.zero_thresh = 0  # its default takes small gradients for none
        size = epsilon * LEVEL
        label = torch.tensor([target], device=pixels.device)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it asks for gradients itself
            return pgd.perturb(pixels, size, size * step_share, steps, label, targeted=True)

    return LibraryAttack("Captum PGD", attack)


def foolbox_pgd(steps: int, epsilon: float, step_share: float) -> LibraryAttack:
    import foolbox

    def make():
        return foolbox.attacks.LinfPGD(rel_stepsize=step_share, steps=steps, random_start=False)

    return LibraryAttack("foolbox LinfPGD", _foolbox(make, epsilon * LEVEL))


def minimum_norm(steps: int) -> list[LibraryAttack]:
    """Foolbox's attacks that look for the smallest change in a norm."""
    import foolbox

    kinds = {
        "foolbox L0 FMN": foolbox.attacks.L0FMNAttack,
        "foolbox L1 FMN": foolbox.attacks.L1FMNAttack,
        "foolbox L2 FMN": foolbox.attacks.L2FMNAttack,
        "foolbox L2 DDN": foolbox.attacks.DDNAttack,
        "foolbox LInf FMN": foolbox.attacks.LInfFMNAttack,
    }
    return [
        LibraryAttack(label, _foolbox(partial(kind, steps=steps), None))
        for label, kind in kinds.items()
    ]


def brendel_bethge(steps: int) -> list[LibraryAttack]:
    """They start from a picture of the target; they need the package numba."""
    import foolbox

    kinds = {
        "foolbox L0 Brendel-Bethge": foolbox.attacks.L0BrendelBethgeAttack,
        "foolbox LInf Brendel-Bethge": foolbox.attacks.LinfinityBrendelBethgeAttack,
    }
    return [
        LibraryAttack(label, _foolbox(partial(kind, steps=steps), None, needs_start=True))
        for label, kind in kinds.items()
    ]


def _foolbox(make, epsilon, *, needs_start: bool = False):
    """``make`` builds the attack when it is first used, since some do not run everywhere."""
    import foolbox

    def run(network: Network, pixels: Tensor, target: int) -> Tensor:
        attack = make()
        model = foolbox.PyTorchModel(network.eval(), bounds=(0, 1), device=pixels.device)
        criterion = foolbox.criteria.TargetedMisclassification(
            torch.tensor([target], device=pixels.device)
        )
        options = {}
        if needs_start:
            begin = foolbox.attacks.LinfPGD(rel_stepsize=0.5, steps=60, random_start=False)
            options["starting_points"] = begin(model, pixels, criterion, epsilons=8 * LEVEL)[1]
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # numba's and foolbox's own
            _, found, _ = attack(model, pixels, criterion, epsilons=epsilon, **options)
        return found

    return run
