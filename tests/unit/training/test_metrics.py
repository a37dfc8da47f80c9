import pytest
import torch

from tl_core.datasets.dataset import Example
from tl_core.training.metrics import evaluate, wilson


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [  # statsmodels' proportion_confint(method="wilson")
        (298, 300, 0.97602, 0.99817),
        (5, 10, 0.23659, 0.76341),
        (0, 4, 0.0, 0.48989),
        (4, 4, 0.51011, 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilson_agrees_with_published_values(
    hits: int, total: int, low: float, high: float
) -> None:
    assert wilson(hits, total) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize("total", range(1, 200))
def test_wilson_contains_all_and_none_exactly(total: int) -> None:
    assert wilson(total, total)[1] == 1.0
    assert wilson(0, total)[0] == 0.0


def test_figures_of_a_small_test_by_hand() -> None:
    labels = [0, 0, 1, 2, 3]
    answers = [0, 1, 1, 2, 0]
    probs = torch.full((5, 4), 0.1)
    probs[range(5), answers] = 0.7
    probs[4] = torch.tensor([0.5, 0.3, 0.19, 0.01])  # the truth comes last
    examples = [Example(f"k{i}", label, f"{i}.jpg") for i, label in enumerate(labels)]
    result = evaluate(probs, examples, ("a", "b", "c", "d"), model="own:1")
    assert result.accuracy == pytest.approx(3 / 5)
    assert result.confusion == ((1, 1, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (1, 0, 0, 0))
    assert [(c.photographs, c.recall, c.precision) for c in result.classes] == [
        (2, 0.5, 0.5),
        (1, 1.0, 0.5),
        (1, 1.0, 1.0),
        (1, 0.0, 0.0),
    ]
    assert not result.predictions[4].is_in_top3
    assert [p.is_right for p in result.predictions] == [True, False, True, True, False]


def test_top3_of_two_classes_is_always_right() -> None:
    result = evaluate(torch.tensor([[0.9, 0.1]]), [Example("k", 1, "x")], ("a", "b"), model="m")
    assert (result.accuracy, result.top3) == (0.0, 1.0)
