"""Our attacks beside Captum's, with the same settings."""

import pytest
import torch
import torch.nn.functional as F
from captum.robust import FGSM, PGD

from tl_core.attack.constraints import LinfBox
from tl_core.attack.success import ClassGoal
from tl_core.imageopt.batch import Batch
from tl_core.imageopt.optimisers import UPDATE_RULES
from tl_core.imageopt.pixels import PARAMETERISATIONS
from tl_core.imageopt.slot import Objective, Slot, Update, fresh_state
from tl_core.specs.recipe import always

TARGET = 3


def ours(backbone, pixels, *, epsilon, step, steps):
    slot = Slot(
        parameterisation=PARAMETERISATIONS["pixels"],
        state=fresh_state(pixels),
        seed=0,
        steps=steps,
        objective=Objective(
            ClassGoal((TARGET,), is_targeted=True).weights(len(backbone.classes), pixels.device),
            terms={"cross_entropy": always(1.0)},
        ),
        update=Update(UPDATE_RULES["sign"], step, constraint=LinfBox(pixels, epsilon * 255)),
    )
    batch = Batch([backbone], precision="fp32")
    batch.join(slot)
    for _ in range(steps):
        batch.step()
    return batch.pixels()


def loss(logits, labels):
    return F.cross_entropy(logits, labels, reduction="none")


@pytest.fixture
def pixels(backbone):
    size = backbone.input_size
    return torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(1))


def test_fgsm_equals_captums(backbone, pixels):
    captum = FGSM(backbone.logits, loss, lower_bound=0, upper_bound=1)
    captum.zero_thresh = 0  # its default takes small gradients for none
    start = pixels.clone().requires_grad_()  # captum warns about others
    theirs = captum.perturb(start, 0.02, torch.tensor([TARGET]), targeted=True)
    mine = ours(backbone, pixels, epsilon=0.02, step=0.02, steps=1)
    assert torch.allclose(mine, theirs, atol=1e-5)
    assert not torch.equal(mine, pixels)


@pytest.mark.filterwarnings("ignore:Input Tensor 0 did not already require gradients")
def test_pgd_equals_captums(backbone, pixels):
    captum = PGD(backbone.logits, loss, lower_bound=0, upper_bound=1)
    captum.fgsm.zero_thresh = 0
    label = torch.tensor([TARGET])
    theirs = captum.perturb(pixels, 0.02, 0.005, 6, label, targeted=True)
    mine = ours(backbone, pixels, epsilon=0.02, step=0.005, steps=6)
    assert torch.allclose(mine, theirs, atol=1e-5)
