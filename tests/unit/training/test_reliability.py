import pytest
import torch
from torch import Tensor

from tl_core.training.reliability import LEAST, reliability, scale_temperature


def answers(count: int, *, too_sure: float) -> tuple[Tensor, Tensor]:
    """Probabilities of a model whose logits are ``too_sure`` times the honest ones, and labels."""
    noise = torch.Generator().manual_seed(0)
    honest = 2 * torch.randn(count, 4, generator=noise)
    labels = honest.softmax(1).multinomial(1, generator=noise)[:, 0]
    return (too_sure * honest).softmax(1), labels


@pytest.mark.parametrize("too_sure", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_what_a_model_is_too_sure_or_too_modest(too_sure: float) -> None:
    scaling = scale_temperature(*answers(4000, too_sure=too_sure))
    assert scaling is not None
    assert scaling.temperature == pytest.approx(too_sure, rel=0.1)
    assert scaling.after.error < 0.03
    assert (scaling.before.error > 0.05) is (too_sure != 1.0)


def test_no_photograph_is_scaled_by_a_temperature_that_it_helped_to_choose() -> None:
    probs, labels = answers(400, too_sure=1.0)
    labels[::2] = probs[::2].argmax(1)  # one half is always right,
    labels[1::2] = probs[1::2].argmin(1)  # the other never: each is scaled by what suits the other
    scaling = scale_temperature(probs, labels)
    assert scaling is not None
    assert scaling.after.error > scaling.before.error + 0.1


def test_with_few_photographs_nothing_is_said() -> None:
    probs, labels = answers(LEAST, too_sure=1.0)
    assert scale_temperature(probs, labels) is not None
    assert scale_temperature(probs[1:], labels[1:]) is None


def test_bins_and_the_expected_calibration_error_by_hand() -> None:
    probs = torch.tensor([[0.95, 0.05], [0.05, 0.95], [0.75, 0.25], [0.0, 1.0]])
    found = reliability(probs, torch.tensor([0, 0, 0, 1]))
    assert [(one.photographs, one.accuracy) for one in found.bins] == [(1, 1.0), (3, 2 / 3)]
    assert [one.confidence for one in found.bins] == pytest.approx([0.75, 2.9 / 3])
    assert found.error == pytest.approx((0.25 + 3 * (2.9 / 3 - 2 / 3)) / 4)
