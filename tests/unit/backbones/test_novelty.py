import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tl_core.backbones.novelty import (
    ENOUGH_HELD_OUT,
    Examples,
    NoveltyDetector,
    distances_to,
    fit_detector,
    leave_one_out,
)
from tl_core.backbones.rough_distances import ROUGH_DISTANCES
from tl_core.specs.classify import LEAST_GROUPS

D = 16


def around(direction: int, count: int, seed: int = 0) -> Tensor:
    """Embeddings near one axis."""
    generator = torch.Generator().manual_seed(seed)
    return 5 * F.one_hot(torch.tensor(direction), D) + torch.rand(count, D, generator=generator)


def examples(rows: Tensor, *, per_group: int = 1, per_class: int = 10**6) -> Examples:
    count = len(rows)
    return Examples(
        rows,
        [str(n // per_group) for n in range(count)],
        [n // per_class for n in range(count)],
    )


def detector(count: int = 40) -> NoveltyDetector:
    found = fit_detector(examples(around(0, count)), None)
    assert found is not None
    return found


def test_the_nearest_is_found_with_its_cosine_distance() -> None:
    reference = torch.eye(3).half()
    distances, nearest = distances_to(reference, torch.tensor([[0.0, 2.0, 0.0], [3.0, 4.0, 0.0]]))
    torch.testing.assert_close(distances, torch.tensor([0.0, 0.2]), atol=1e-3, rtol=0)
    assert nearest.tolist() == [1, 1]


def test_what_is_left_out_takes_its_group_along() -> None:
    reference = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]).half()
    assert leave_one_out(reference, ["a", "b", "c"]).tolist() == [0, 0, 1]
    assert leave_one_out(reference, ["a", "a", "c"]).tolist() == [1, 1, 1]


def test_about_one_in_twenty_new_photographs_of_its_class_is_below_5_percent() -> None:
    p_values = [one.p_value for one in detector().judge(around(0, 400, seed=1))]
    assert sum(p <= 0.05 for p in p_values) / 400 < 0.12
    assert 0.3 < sum(p <= 0.5 for p in p_values) / 400 < 0.7


def test_what_is_far_has_the_smallest_p_value() -> None:
    found = detector(39)
    assert [one.p_value for one in found.judge(around(1, 5))] == pytest.approx([1 / 40] * 5)
    assert found.calibration.least_share == pytest.approx(1 / 40)


def test_what_it_was_taught_with_is_as_usual_as_can_be_and_named() -> None:
    rows, names = around(0, 30), [f"sha256:{n}" for n in range(30)]
    found = fit_detector(Examples(rows, names, [0] * 30, names), None)
    assert found is not None
    seen = found.judge(rows[7:8])[0]
    assert (seen.p_value, seen.nearest) == (1, "sha256:7")
    assert seen.distance < 0.01


def test_photographs_of_a_group_count_once_together() -> None:
    found = fit_detector(examples(around(0, 60), per_group=3), None)
    assert found is not None
    assert (found.kind, found.calibration.groups) == ("left out", 20)


@pytest.mark.parametrize("rough", [(), tuple(n / 100 for n in range(20))])
def test_with_too_few_groups_the_general_distances_decide_or_nothing(
    rough: tuple[float, ...],
) -> None:
    found = fit_detector(examples(around(0, 60), per_group=4), None, rough)
    if not rough:
        assert found is None
        return
    assert found is not None
    assert (found.kind, found.calibration.groups) == ("rough", 99)
    assert found.judge(around(1, 1))[0].p_value == pytest.approx(0.01)


def test_a_class_of_one_group_calibrates_nothing() -> None:
    alone = examples(around(0, 40), per_group=2, per_class=2)
    assert fit_detector(alone, None) is None


@pytest.mark.parametrize(("held_out", "kind"), [(ENOUGH_HELD_OUT, "held out"), (30, "left out")])
def test_photographs_that_it_never_learned_from_calibrate_where_they_are_enough(
    held_out: int, kind: str
) -> None:
    found = fit_detector(examples(around(0, 40)), examples(around(0, held_out, seed=1)))
    assert found is not None
    assert found.kind == kind
    assert found.calibration.groups == (held_out if kind == "held out" else 40)


def test_in_a_batch_the_answers_are_those_of_each_alone() -> None:
    found, rows = detector(), torch.cat([around(0, 4, seed=3), around(2, 4)])
    together, alone = found.judge(rows), [found.judge(row[None])[0] for row in rows]
    assert [one.p_value for one in together] == [one.p_value for one in alone]
    distances = [one.distance for one in alone]
    assert [one.distance for one in together] == pytest.approx(distances, abs=1e-4)


def test_the_general_distances_fall_from_1_to_20_percent() -> None:
    for tail in ROUGH_DISTANCES.values():
        assert list(tail) == sorted(tail)
        assert len(tail) == 20
        assert LEAST_GROUPS < 99
