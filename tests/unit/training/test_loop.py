from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from tests.unit.training.conftest import Do
from tl_core.backbones.backbone import Backbone
from tl_core.context import Context
from tl_core.engine.job import Job
from tl_core.specs.base import Snapshot
from tl_core.specs.training import FineTune, FineTuneSnapshot
from tl_core.training import loop, progress
from tl_core.training.inputs import PrecomputedInputs
from tl_core.training.loop import TrainingLoop, schedule_factor
from tl_core.training.progress import Progress
from tl_core.training.trainable import TrainableModel


def without_batch_norm(backbone: Backbone) -> Backbone:
    body = nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return replace(backbone, body=body, head=nn.Linear(8, 1))


def micro_size(backbone: Backbone, gflops: float) -> int:
    """Photographs at once, for a network of this size that is unfrozen with its batch norm."""
    job = Job(FineTune(dataset="colours", mode="full"), "me")
    start = replace(backbone, row=replace(backbone.row, gflops=gflops))
    model = TrainableModel(start, ("a", "b"), unfrozen="all", trains_batch_norm=True, seed=0)
    inputs = PrecomputedInputs([torch.zeros(4, 3, 32, 32)], torch.zeros(4, dtype=torch.long), 0)
    progress_of_run = Progress(job, FineTuneSnapshot(phase=""))
    return TrainingLoop(job, model, inputs, inputs, progress_of_run).micro_size


@pytest.mark.parametrize(
    ("network", "gflops", "expected"),
    [("Lite0", 0.407, 16), ("ResNet-18", 1.814, 16), ("ResNet-50", 4.089, 8)],
)
def test_batch_norm_sees_as_many_photographs_as_it_needs(
    network: str, gflops: float, expected: int, context: Context
) -> None:
    assert micro_size(context.backbones.load("tiny"), gflops) == expected


@pytest.mark.parametrize(("network", "gflops", "expected"), [("VGG", 15.47, 1), ("small", 0.4, 5)])
def test_without_batch_norm_a_slice_stays_short(
    network: str, gflops: float, expected: int, context: Context
) -> None:
    assert micro_size(without_batch_norm(context.backbones.load("tiny")), gflops) == expected


def test_progress_moves_at_every_micro_batch_of_training_and_of_the_test(
    do: Do,
    context: Context,
    snapshots: tuple[list[Snapshot], Callable[[Job], None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = context.backbones.rows["tiny"]
    context.backbones.rows["tiny"] = replace(
        row, gflops=1.0
    )  # 2 photographs at once, 6 in the test
    monkeypatch.setattr(loop, "SLICE_S", 0.0)
    monkeypatch.setattr(progress, "PUBLISH_EVERY_S", 0.0)
    seen, watch = snapshots
    fields = {"mode": "full", "epochs": 1, "batch_size": 8, "head_first": False}
    do(FineTune(backbone="tiny", dataset="colours", **fields), on=watch)  # type: ignore[arg-type]
    shown = [
        s for s in seen if isinstance(s, FineTuneSnapshot) and s.phase == "training the network"
    ]
    assert [s.step for s in shown] == [2, 4, 6, 8, 10, 12, 14, 16, 22, 24]
    assert [round(p.epoch, 3) for p in shown[7].curve] == [n / 8 for n in range(1, 9)]


def test_warm_up_begins_low_reaches_the_rate_and_then_falls_as_a_cosine() -> None:
    factors = [schedule_factor("warm-up", share) for share in (0.0, 0.05, 0.1, 0.55, 1.0)]
    assert factors == pytest.approx([0.01, 0.5, 1.0, 0.5, 0.01])


@pytest.mark.parametrize(("mode", "layers"), [("head", 0), ("full", 1), ("scratch", 1)])
def test_the_first_gradients_of_every_layer_of_an_unfrozen_network_are_measured(
    mode: str, layers: int, do: Do, context: Context
) -> None:
    fields = {"mode": mode, "epochs": 3, "batch_size": 4, "head_first": False}
    job = do(FineTune(backbone="tiny", dataset="colours", **fields))  # type: ignore[arg-type]
    assert isinstance(job.snapshot, FineTuneSnapshot)
    body = context.backbones.load("tiny").body
    weights = sum(weight.ndim > 1 for weight in body.parameters()) + 1  # and the head's
    assert len(job.snapshot.gradients) == layers * weights
    assert all(length >= 0 for length in job.snapshot.gradients)
    assert not layers or max(job.snapshot.gradients) > 0
