import dataclasses
import math
from typing import Any

import pytest

from tl_core.api.estimates import Estimates
from tl_core.backbones.catalogue import CATALOGUE
from tl_core.engine.job import Job, JobState
from tl_core.specs.attack import Attack, AttackSnapshot
from tl_core.specs.base import Snapshot, Spec
from tl_core.specs.classify import Classification, Classify
from tl_core.specs.ideal import IdealImage, IdealSnapshot
from tl_core.specs.ideal_recipes import LADDER
from tl_core.specs.training import FineTune, FineTuneSnapshot

ROW = CATALOGUE[0]
SNAPSHOTS: dict[type[Spec], type[Snapshot]] = {
    IdealImage: IdealSnapshot,
    Attack: AttackSnapshot,
    FineTune: FineTuneSnapshot,
}
CPU, GPU = True, False


def picture(steps: int = 100, **changes: Any) -> IdealImage:
    return dataclasses.replace(IdealImage(backbone=ROW.key, steps=steps), **changes)


def under_way(pace: Estimates, spec: Spec, **snapshot: Any) -> Job:
    job = Job(spec, "bob")
    job.state = JobState.RUNNING
    job.publish(SNAPSHOTS[type(spec)](**snapshot))
    pace.follow(job, ROW)
    return job


def measured(on_cpu: bool, *, steps_per_s: float, batch_size: int = 1) -> Estimates:
    pace = Estimates(on_cpu=on_cpu)
    job = under_way(pace, picture(), steps_per_s=steps_per_s, batch_size=batch_size)
    job.finish(None)
    return pace


def estimate(pace: Estimates, *specs: Spec) -> float:
    return pace.seconds([(spec, ROW) for spec in specs])


def test_a_network_without_multiplications_has_an_estimate() -> None:
    pixels = dataclasses.replace(ROW, key="pixels", gflops=0.0)
    assert 0 < Estimates(on_cpu=True).seconds([(picture(), pixels)]) < 10


@pytest.mark.parametrize("on_cpu", [CPU, GPU])
def test_the_fastest_answer_so_far_says_how_long_the_first_run_takes(on_cpu: bool) -> None:
    pace = Estimates(on_cpu=on_cpu)
    assert pace.look_s(ROW.key) == math.inf
    for milliseconds in (80.0, 20.0, 45.0):  # others were at work beside the first and the last
        look = Job(Classify(photo="sample:cat", backbone=ROW.key), "ann")
        pace.follow_look(look, ROW)
        look.publish(Classification(answers=(), milliseconds=milliseconds, logits=(), seen=b""))
        look.finish(None)
    assert pace.look_s(ROW.key) == pytest.approx(0.020)
    assert estimate(pace, picture(steps=100)) == pytest.approx(100 * 3 * 0.020)
    ran = under_way(pace, picture(), steps_per_s=10, batch_size=1)
    ran.finish(None)
    assert estimate(pace, picture(steps=100)) == pytest.approx(10)


def test_nothing_to_begin_takes_no_time() -> None:
    pace = Estimates(on_cpu=True)
    under_way(pace, picture())
    assert estimate(pace) == 0


@pytest.mark.parametrize(("on_cpu", "seconds"), [(CPU, 10 * 8**0.75), (GPU, 10)])
def test_pictures_of_a_batch_advance_together(on_cpu: bool, seconds: float) -> None:
    pace = measured(on_cpu, steps_per_s=10)
    assert estimate(pace, picture()) == pytest.approx(10)
    eight = [picture(seed=seed) for seed in range(8)]
    assert estimate(pace, *eight) == pytest.approx(seconds)


@pytest.mark.parametrize("on_cpu", [CPU, GPU])
def test_a_batch_of_eight_takes_what_a_batch_of_eight_took(on_cpu: bool) -> None:
    pace = measured(on_cpu, steps_per_s=10, batch_size=8)
    eight = [picture(seed=seed) for seed in range(8)]
    assert estimate(pace, *eight) == pytest.approx(10)


def test_company_in_the_batch_counts_until_the_own_picture_is_ready() -> None:
    pace = measured(CPU, steps_per_s=10)
    under_way(pace, picture(10_000), step=0)
    under_way(pace, picture(100), step=90)
    three_for_10_steps, two_for_the_rest = 10 * 3**0.75 / 10, 90 * 2**0.75 / 10
    expected = three_for_10_steps + two_for_the_rest
    assert estimate(pace, picture(100)) == pytest.approx(expected)


def test_more_pictures_than_a_batch_holds_take_their_share_longer() -> None:
    pace = measured(CPU, steps_per_s=10)
    eight, sixteen = ([picture(seed=seed) for seed in range(count)] for count in (8, 16))
    assert estimate(pace, *sixteen) == pytest.approx(2 * estimate(pace, *eight))


def test_a_batch_goes_by_the_measured_one_that_is_nearest_in_size() -> None:
    pace = measured(CPU, steps_per_s=10)
    under_way(pace, picture(), steps_per_s=1.0, batch_size=8).finish(None)
    eight = [picture(seed=seed) for seed in range(8)]
    assert estimate(pace, *eight) == pytest.approx(100)
    assert estimate(pace, picture()) == pytest.approx(10)
    assert estimate(pace, *eight[:4]) == pytest.approx(100 / 2**0.75)


def test_recipes_drawn_together_are_one_batch() -> None:
    pace = measured(CPU, steps_per_s=10, batch_size=5)
    ladder = [picture(recipe=recipe.key) for recipe in LADDER]
    assert estimate(pace, *ladder) == pytest.approx(10)


def test_an_attack_takes_what_attacks_took_and_before_one_what_pictures_took() -> None:
    pace = measured(CPU, steps_per_s=10)
    attack = Attack(photo="sample:cat", steps=100)
    assert estimate(pace, attack) == pytest.approx(10)
    under_way(pace, attack, steps_per_s=5.0).finish(None)
    assert estimate(pace, attack) == pytest.approx(20)
    assert estimate(pace, picture()) == pytest.approx(10)


def test_a_network_that_never_ran_is_guessed_as_wrongly_as_the_newest_that_did() -> None:
    larger = dataclasses.replace(ROW, key="larger", gflops=2 * ROW.gflops)
    pace = measured(CPU, steps_per_s=10)
    assert pace.seconds([(picture(), larger)]) == pytest.approx(20)


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


def test_a_queued_run_waits_until_a_run_before_it_ends_while_all_take_turns() -> None:
    pace = measured(CPU, steps_per_s=10.0)
    queued = [Job(picture(), "eve") for _ in range(3)]
    for position, job in enumerate(queued, start=1):
        job.position = position
    assert pace.wait_s(queued[0]) == 0.0
    for steps, seed in ((100, 1), (300, 2)):
        under_way(pace, picture(steps=steps, size=100 * seed))
    first, second, third = (pace.wait_s(job) for job in queued)
    assert first == pytest.approx(2 * 10)  # the shorter one, at half its speed
    assert second == pytest.approx(10 + 30)
    assert third == pytest.approx(40 + 20)  # behind two runs as long as these


def test_a_run_that_does_not_say_what_it_has_left_is_taken_for_half_done() -> None:
    pace = Estimates(on_cpu=CPU)
    teaching = FineTune(backbone=ROW.key, dataset="digits")
    job = under_way(pace, teaching, phase="training the head", seconds_left=None)
    job.started_at = job.submitted_at - 40
    assert pace.wait_s(Job(picture(), "eve")) == pytest.approx(40, abs=5)


def test_how_much_the_speed_of_the_newest_runs_varied_is_known() -> None:
    pace = measured(CPU, steps_per_s=10.0)
    assert pace.spread(ROW.key) == (1.0, 1.0)
    for steps_per_s in (2.0, 5.0):
        under_way(pace, picture(), steps_per_s=steps_per_s).finish(None)
    assert pace.spread(ROW.key) == pytest.approx((0.5, 2.5))


def test_a_training_takes_as_many_looks_as_its_way_needs() -> None:
    pace = Estimates(on_cpu=CPU)
    look = Job(Classify(photo="sample:cat", backbone=ROW.key), "ann")
    pace.follow_look(look, ROW)
    look.publish(Classification(answers=(), milliseconds=1000.0, logits=(), seen=b""))
    look.finish(None)

    def seconds(**fields: Any) -> float:
        spec = FineTune(backbone=ROW.key, dataset="digits", **fields)
        return pace.training_s(spec, ROW, 100, 50)

    assert seconds(mode="head") == pytest.approx(150)
    assert seconds(mode="head", augmentation="mirror", epochs=4) == pytest.approx(600)
    assert seconds(mode="full", epochs=2) == pytest.approx(150 + 2 * (300 + 50))
    assert seconds(mode="last-block", epochs=2) == pytest.approx(150 + 2 * (150 + 50))
    assert seconds(mode="pixels") == 0
