import dataclasses
from typing import Any

import pytest
import torch

from tl_core.backbones.catalogue import CATALOGUE
from tl_core.engine.job import Job, JobState
from tl_core.estimates import Estimates
from tl_core.specs import FineTune, FineTuneSnapshot, IdealImage, IdealSnapshot, Spec

ROW = CATALOGUE[0]
CPU, GPU = torch.device("cpu"), torch.device("cuda")


def picture(steps: int = 100, **changes: Any) -> IdealImage:
    return dataclasses.replace(IdealImage(backbone=ROW.key, steps=steps), **changes)


def under_way(pace: Estimates, spec: Spec, **snapshot: Any) -> Job:
    job = Job(spec, "bob")
    job.state = JobState.RUNNING
    kind = IdealSnapshot if isinstance(spec, IdealImage) else FineTuneSnapshot
    job.publish(kind(**snapshot))
    pace.follow(job, ROW)
    return job


def measured(device: torch.device, *, steps_per_s: float, batch_size: int = 1) -> Estimates:
    pace = Estimates(device)
    job = under_way(pace, picture(), steps_per_s=steps_per_s, batch_size=batch_size)
    job.finish(None)
    return pace


def estimate(pace: Estimates, *specs: Spec) -> float:
    return pace.seconds([(spec, ROW) for spec in specs])


def test_a_network_without_multiplications_has_an_estimate() -> None:
    pixels = dataclasses.replace(ROW, key="pixels", gflops=0.0)
    assert 0 < Estimates(CPU).seconds([(picture(), pixels)]) < 10


def test_nothing_to_begin_takes_no_time() -> None:
    pace = Estimates(CPU)
    under_way(pace, picture())
    assert estimate(pace) == 0


@pytest.mark.parametrize(("device", "seconds"), [(CPU, 80), (GPU, 10)])
def test_pictures_of_a_batch_advance_together(device: torch.device, seconds: float) -> None:
    pace = measured(device, steps_per_s=10)
    assert estimate(pace, picture()) == pytest.approx(10)
    eight = [picture(seed=seed) for seed in range(8)]
    assert estimate(pace, *eight) == pytest.approx(seconds)


@pytest.mark.parametrize("device", [CPU, GPU])
def test_a_batch_of_eight_takes_what_a_batch_of_eight_took(device: torch.device) -> None:
    pace = measured(device, steps_per_s=10, batch_size=8)
    eight = [picture(seed=seed) for seed in range(8)]
    assert estimate(pace, *eight) == pytest.approx(10)


def test_company_in_the_batch_counts_until_the_own_picture_is_ready() -> None:
    pace = measured(CPU, steps_per_s=10)
    under_way(pace, picture(10_000), step=0)
    under_way(pace, picture(100), step=90)
    assert estimate(pace, picture(100)) == pytest.approx(10 + 10 + 1)


def test_a_run_apart_takes_turns_and_a_paused_one_does_not() -> None:
    pace = measured(CPU, steps_per_s=10)
    apart = under_way(pace, picture(10_000, size=64), step=0)
    assert estimate(pace, picture()) == pytest.approx(20)
    apart.state = JobState.PAUSED
    assert estimate(pace, picture()) == pytest.approx(10)


@pytest.mark.parametrize(("left", "seconds"), [(3.0, 13), (300.0, 20), (None, 10)])
def test_a_teaching_run_counts_with_what_it_says_it_has_left(
    left: float | None, seconds: float
) -> None:
    pace = measured(CPU, steps_per_s=10)
    teaching = FineTune(backbone=ROW.key, dataset="digits")
    under_way(pace, teaching, phase="training the head", seconds_left=left)
    assert estimate(pace, picture()) == pytest.approx(seconds)
