import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from tests.png_text import png_text
from tests.unit.tiny import BusyPool, tiny_backbone
from tests.unit.turned import done, started, step_of, turned, turned_to
from tl_core.engine.job import Job, JobState
from tl_core.errors import UserError
from tl_core.ideal import runner as ideal_module
from tl_core.ideal.judge import judge
from tl_core.images.encode import SETTINGS_KEY, encode_png
from tl_core.specs.every import spec_from_json
from tl_core.specs.ideal import IdealImage, Judge

pytestmark = pytest.mark.usefixtures("every_step_ends_a_slice")


def spec_of(**changes):
    return IdealImage(**{"backbone": "tiny", "target": 3, "steps": 8} | changes)


def finish(runner, job, at):
    """Turn the runner to its end; ``at[n]`` is called once the job's picture has taken n steps."""
    turned(runner, see=lambda: at.pop(step_of(runner, job), lambda: None)())


def test_a_job_ends_with_a_png_that_holds_its_settings(context):
    spec = spec_of()
    snapshot = done(context, spec)
    assert snapshot.step == snapshot.steps == 8
    assert Image.open(io.BytesIO(snapshot.png)).size == (32, 32)
    assert Image.open(io.BytesIO(snapshot.picture)).format == "JPEG"
    assert spec_from_json(png_text(snapshot.png)[SETTINGS_KEY]) == replace(spec, precision="fp32")
    assert len(snapshot.frames) == 8 + 1  # before each step, and the end


def test_the_curve_has_a_row_for_each_step(context):
    snapshot = done(context, spec_of(steps=5, recipe="smooth"))
    assert snapshot.columns == ("step", "probability", "total_variation", "cross_entropy")
    assert [row[0] for row in snapshot.history] == [0, 1, 2, 3, 4]
    assert dict(snapshot.terms).keys() == {"cross_entropy"}


def test_long_runs_keep_a_bounded_past(context, monkeypatch):
    monkeypatch.setattr(ideal_module, "HISTORY_ROWS", 5)
    monkeypatch.setattr(ideal_module, "FRAMES", 3)
    snapshot = done(context, spec_of(steps=14))
    assert [row[0] for row in snapshot.history] == [0, 3, 6, 9, 12]
    assert len(snapshot.frames) == 3 + 1


def test_the_probability_is_that_of_the_saved_picture(context, backbone):
    snapshot = done(context, spec_of())
    pixels = np.array(Image.open(io.BytesIO(snapshot.png)))
    key = context.photos.add(snapshot.png, "someone")
    job = Job(Judge(backbone="tiny", photo=key, target=3), "someone")
    assert pixels.shape == (32, 32, 3)
    verdicts = verdicts_of(job, context)
    assert verdicts[0].probability == pytest.approx(snapshot.probability, abs=1e-5)


def verdicts_of(job, context):
    context.backbones.weights.is_ready = lambda _row: True
    work = judge(job, context)
    answer = None
    while True:
        try:
            future = work.send(answer)
            answer = future.result() if future is not None else None
        except StopIteration as end:
            return end.value.verdicts


def test_a_pause_before_the_pool_has_begun_to_encode_loses_nothing(context):
    whole = done(context, spec_of())
    pool = BusyPool()
    runner, (job,) = started(replace(context, pool=pool), spec_of())
    turned_to(runner, job, 3)
    pool.is_busy = True
    runner.advance()
    runner.remove(job, keep=True)
    pool.is_busy = False
    runner.add(job)
    turned(runner)
    assert job.state is JobState.DONE, job.error
    assert job.snapshot.png == whole.png
    assert len(job.snapshot.frames) == len(whole.frames)


def test_a_pause_before_the_pool_has_begun_to_encode_the_last_picture_loses_nothing(context):
    pool = BusyPool()
    runner, (job,) = started(replace(context, pool=pool), spec_of())
    while not runner.members or not next(iter(runner.members.values())).is_last:
        pool.is_busy = bool(runner.members) and next(iter(runner.members.values())).slot.step >= 7
        runner.advance()
    runner.remove(job, keep=True)
    pool.is_busy = False
    runner.add(job)
    turned(runner)
    assert job.state is JobState.DONE, job.error
    assert job.snapshot.png == done(context, spec_of()).png


def test_moves_are_recorded_and_replay_to_the_same_bytes(context):
    runner, (job,) = started(context, spec_of())
    finish(
        runner,
        job,
        {
            2: lambda: job.update(tv_weight=500.0),
            5: lambda: job.update(learning_rate=0.2, augmentation=0.5),
        },
    )
    moves = ((2, "tv_weight", 500.0), (5, "augmentation", 0.5), (5, "learning_rate", 0.2))
    assert job.snapshot.moves == moves
    replayed = done(context, spec_from_json(job.snapshot.settings))
    assert replayed.png == job.snapshot.png
    assert replayed.png != done(context, spec_of()).png


def test_a_run_that_was_stopped_keeps_its_picture_and_replays_to_it(context):
    runner, (job,) = started(context, spec_of(steps=400))
    steer = {2: lambda: job.update(tv_weight=500.0), 5: lambda: runner.remove(job, keep=False)}
    finish(runner, job, steer)
    stopped = job.snapshot
    assert 0 < stopped.step < 400
    replayed = done(context, spec_from_json(stopped.settings))
    assert replayed.step == stopped.step
    assert replayed.png == stopped.png


def test_a_picture_is_kept_without_loss_once_it_pauses_not_while_it_grows(context):
    runner, (job,) = started(context, spec_of(steps=400))
    turned(runner, until=lambda: job.snapshot and job.snapshot.picture)
    assert not job.snapshot.png
    runner.remove(job, keep=True)
    assert spec_from_json(png_text(job.snapshot.png)[SETTINGS_KEY]).until == job.snapshot.step


def test_the_animation_ends_in_the_picture(context):
    snapshot = done(context, spec_of(steps=100))
    assert snapshot.frames[-1] == snapshot.picture


def test_an_even_mix_can_be_certain(context, backbone):
    snapshot = done(context, spec_of(target=3, second_target=5, mix=0.5))
    with torch.inference_mode():
        probs = backbone.logits(pixels_of(snapshot.png)).softmax(1)[0]
    assert snapshot.probability == pytest.approx(float(probs[3] + probs[5]), abs=1e-4)


def pixels_of(png):
    array = np.array(Image.open(io.BytesIO(png)))
    return torch.from_numpy(array).permute(2, 0, 1).unsqueeze(0) / 255


@pytest.mark.parametrize(("weight", "is_smoother"), [(0.0, False), (2000.0, True)])
def test_the_total_variation_slider_acts_during_a_run(context, weight, is_smoother):
    still = done(context, spec_of(recipe="smooth", steps=20))
    runner, (job,) = started(context, spec_of(recipe="smooth", steps=20))
    finish(runner, job, {5: lambda: job.update(tv_weight=weight)})
    assert (job.snapshot.total_variation < still.total_variation) is is_smoother


def test_a_picture_that_stopped_being_numbers_can_be_paused_and_fails_when_it_goes_on(context):
    polls = [0.0]
    runner, (broken,) = started(replace(context, poll_s=lambda: polls[0]), spec_of())
    turned(runner, until=lambda: runner.members)
    polls[0] = 100.0  # the next picture is not due
    runner.advance()
    runner.batch._stacks[runner.members[broken].slot.parameterisation].state[:] = float("nan")
    runner.advance()
    assert runner.remove(broken, keep=True)
    assert not broken.is_over
    runner.add(broken)
    turned(runner)
    assert broken.state is JobState.FAILED


GOALS = {
    "two classes": {"second_target": 5, "mix": 0.5},
    "a channel": {"layer": "layer4", "channel": 2},
    "a unit": {"layer": "layer1", "channel": 1, "is_unit": True},
    "a larger picture": {"size": 48},
}


@pytest.mark.parametrize("case", GOALS)
def test_goals_beyond_a_class(context, case):
    snapshot = done(context, spec_of(**GOALS[case]))
    assert np.isnan(snapshot.probability) == ("layer" in GOALS[case])
    assert Image.open(io.BytesIO(snapshot.png)).size[0] == GOALS[case].get("size", 32)


def test_a_channel_is_asked_for_nothing_but_its_activation(context):
    terms = done(context, spec_of(layer="layer4", channel=2)).terms
    assert dict(terms).keys() == {"activation"}


def test_a_run_may_start_from_a_photograph(context):
    photo = np.full((32, 32, 3), 200, np.uint8)
    photo[8:24, 8:24] = 30
    key = context.photos.add(encode_png(photo), "someone")
    for recipe in ("pixels", "ideal"):
        snapshot = done(context, spec_of(photo=key, steps=1, learning_rate=0.0, recipe=recipe))
        picture = np.array(Image.open(io.BytesIO(snapshot.png))).astype(int)
        assert np.abs(picture - photo).max() <= 1


def test_jobs_of_one_size_share_a_batch_and_others_do_not():
    assert spec_of(seed=1, recipe="pixels").batch_key == spec_of(target=5).batch_key
    assert spec_of(size=64).batch_key != spec_of().batch_key


def test_a_network_that_draws_along_counts_in_the_settings(context):
    context.backbones._loaded.put("other", tiny_backbone(1, "other"), 0)
    snapshot = done(context, spec_of(also=("other",)))
    assert spec_from_json(snapshot.settings).also == ("other",)


def test_a_judge_refuses_a_class_the_networks_do_not_know(context):
    key = context.photos.add(done(context, spec_of()).png, "someone")
    with pytest.raises(UserError, match="between 0 and 9"):
        verdicts_of(Job(Judge(photo=key, target=10), "someone"), context)
