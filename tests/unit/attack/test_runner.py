"""Attacks of several visitors in one batch, on a tiny network, turned by hand."""

import math
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.png_text import png_text
from tests.unit.turned import done, started, step_of, turned, turned_to
from tl_core.attack.runner import AttackMember, AttackRunner
from tl_core.engine.job import Job, JobState
from tl_core.imageopt import runner as runner_module
from tl_core.images.decode import read_back
from tl_core.images.encode import SETTINGS_KEY, encode_png
from tl_core.local.handlers import BATCH_RUNNERS
from tl_core.specs.attack import Attack
from tl_core.specs.every import spec_from_json

pytestmark = pytest.mark.usefixtures("every_step_ends_a_slice")


@pytest.fixture
def photos(context):
    """Three photographs in the store, by key."""
    draw = np.random.default_rng(0)
    pictures = [draw.integers(0, 256, (32, 32, 3), np.uint8) for _ in range(3)]
    return [context.photos.add(encode_png(picture), "someone") for picture in pictures]


@pytest.fixture
def spec_of(photos):
    def made(**changes):
        chosen = {"backbone": "tiny", "photo": photos[0], "target": 4, "epsilon": 8, "steps": 6}
        return Attack(**chosen | {"confidence": 1.0} | changes)

    return made


def change_of(snapshot):
    return read_back(snapshot.picture).astype(int) - read_back(snapshot.original)


def test_the_lab_attacks_together_what_is_about_the_same_networks(spec_of, photos):
    alike = spec_of(seed=1, method="sparse", epsilon=2, photo=photos[1], target=None)
    assert BATCH_RUNNERS[Attack] is AttackRunner
    assert spec_of().batch_key == alike.batch_key
    assert spec_of(backbone="other").batch_key != spec_of().batch_key
    assert spec_of(also=("other",)).batch_key != spec_of().batch_key


def test_one_pass_through_the_network_serves_all_attacks(context, backbone, spec_of, monkeypatch):
    runner, jobs = started(context, *(spec_of(target=target) for target in (1, 2, 3)))
    turned_to(runner, jobs[0], 2)
    for member in runner.members.values():
        member.due_at = math.inf  # a snapshot asks the network too
    seen, normalise = [], type(backbone).normalise

    def counted(self, pixels):
        seen.append((len(pixels), pixels.requires_grad))
        return normalise(self, pixels)

    monkeypatch.setattr(type(backbone), "normalise", counted)
    runner.step()
    assert seen == [(3, True)]


@pytest.mark.parametrize("method", ["pgd", "momentum", "minimum", "smooth", "sparse"])
def test_a_step_of_an_attack_does_not_depend_on_who_shares_the_batch(
    context, spec_of, photos, method
):
    ours = spec_of(method=method)
    company = [spec_of(method=key, photo=photos[1], target=2) for key in ("transfer", "robust")]
    moved = []
    for specs in ([ours], [company[0], ours, company[1]]):
        runner, jobs = started(context, *specs)
        job = jobs[specs.index(ours)]
        turned_to(runner, job, 1)
        attack = runner.members[job]
        assert len(runner.batch.slots) == len(specs)
        runner.batch.leave(attack.slot)
        fresh = AttackMember(
            spec=ours, original=attack.original, goal=attack.goal, backbones=runner.backbones
        )
        moved.append(attack.slot.state[0] - fresh.slot.state[0])
    alone, beside = moved
    assert alone.abs().max() > 0
    # the sign of a gradient near 0 may differ by rounding
    assert ((beside - alone).abs() > 1e-3 * alone.abs().max()).float().mean() < 0.01


def test_every_result_in_company_is_a_file_within_its_own_epsilon(context, spec_of, photos):
    budgets = [1, 4, 16]
    specs = [spec_of(photo=p, epsilon=e) for p, e in zip(photos, budgets, strict=True)]
    runner, jobs = started(context, *specs)
    turned(runner)
    for job, spec in zip(jobs, specs, strict=True):
        assert np.abs(change_of(job.snapshot)).max() == spec.epsilon == job.snapshot.epsilon
        assert job.snapshot.gap.linf_levels == spec.epsilon
        assert spec_from_json(png_text(job.snapshot.picture)[SETTINGS_KEY]) == spec


def test_the_photograph_is_shown_at_once_and_the_attack_as_it_goes(context, spec_of):
    runner, (job,) = started(context, spec_of())
    job.started_at = time.monotonic()  # as the scheduler does
    seen = []
    turned(runner, see=lambda: seen.append(job.snapshot))
    steps = [snapshot.step for snapshot in seen if snapshot is not None]
    assert steps[0] == 0
    assert steps == sorted(steps)
    assert len(set(steps)) > 3
    assert steps[-1] == 6
    assert job.snapshot.seconds > 0
    assert len(job.snapshot.history) == 7


def test_an_attack_ends_with_its_own_success(context, spec_of, photos):
    quick = spec_of(epsilon=32, confidence=0.0, target=None, steps=40)
    runner, (first, second) = started(context, quick, spec_of(photo=photos[1], steps=40))
    turned(runner)
    assert first.snapshot.is_fooled
    assert first.snapshot.step == first.snapshot.first_success < 40
    assert second.snapshot.step == 40


@pytest.mark.parametrize("method", ["pgd", "momentum", "smooth", "sparse", "robust"])
def test_what_is_handed_over_is_gone_on_with_to_the_same_file(
    context, spec_of, monkeypatch, method
):
    """As another process would, where this one dies."""
    monkeypatch.setattr(runner_module, "HAND_OVER_SHARE", math.inf)  # at every step
    spec = spec_of(method=method, steps=12)
    whole = done(context, spec)
    runner, (job,) = started(replace(context, hand_over_s=0.0), spec)
    turned_to(runner, job, 4)
    step, packed = job.handed
    assert step == 4
    other, (again,) = started(context, spec)
    again.saved = packed
    turned(other)
    assert again.snapshot.picture == whole.picture
    assert again.snapshot.history == whole.history
    assert isinstance(packed, bytes)


def test_nothing_is_handed_over_where_nobody_would_go_on(context, spec_of):
    runner, (job,) = started(context, spec_of())
    turned_to(runner, job, 3)
    runner.remove(job, keep=True)
    assert job.handed is None


def test_a_pause_while_the_last_picture_is_saved_loses_nothing(context, spec_of):
    runner, (job,) = started(context, spec_of())
    turned(runner, until=lambda: job in runner.members and runner.members[job].is_done)
    assert runner.remove(job, keep=True)
    runner.add(job)
    turned(runner)
    assert job.state is JobState.DONE
    assert job.snapshot.step == 6


def test_controls_moved_during_a_run_act_on_their_own_job_only(context, spec_of, photos):
    runner, (moved, other) = started(context, spec_of(), spec_of(photo=photos[1]))
    turned_to(runner, moved, 3)
    moved.update(epsilon=2, method="momentum")
    turned(runner)
    assert np.abs(change_of(moved.snapshot)).max() == 2 == moved.snapshot.epsilon
    assert np.abs(change_of(other.snapshot)).max() == 8 == other.snapshot.epsilon


def test_short_memory_makes_smaller_passes_and_none_ends_in_a_sentence(
    context, backbone, spec_of, photos, monkeypatch
):
    room, normalise = [2], type(backbone).normalise

    def short_of_memory(self, pixels):
        if len(pixels) > room[0]:
            raise torch.OutOfMemoryError("no room")
        return normalise(self, pixels)

    monkeypatch.setattr(type(backbone), "normalise", short_of_memory)
    runner, jobs = started(context, *(spec_of(photo=photo) for photo in photos))
    turned_to(runner, jobs[0], 2)
    room[0] = 0
    runner.step()
    assert all("too little memory" in str(job.error) for job in jobs)
    assert runner.jobs == []


def test_a_full_batch_takes_no_further_attack(context, spec_of):
    runner, _jobs = started(context, *[spec_of()] * 7)
    assert runner.has_room()
    runner.add(Job(spec_of(), "someone"))
    assert not runner.has_room()


@pytest.mark.parametrize("method", ["pgd", "minimum", "sparse", "robust"])
def test_an_attack_whose_controls_were_moved_replays_to_the_same_picture(context, spec_of, method):
    def see():
        if step_of(runner, job) == 2:
            job.update(epsilon=4)
        if step_of(runner, job) == 4:
            job.update(steps=9, confidence=0.5)

    spec = spec_of(method=method)
    runner, (job,) = started(context, spec)
    turned(runner, see=see)
    moved = job.snapshot
    replayed = spec_from_json(png_text(moved.picture)[SETTINGS_KEY])
    assert [name for _step, name, _value in replayed.moves] == ["epsilon", "confidence", "steps"]
    again = done(context, replayed)
    assert (again.picture, again.history) == (moved.picture, moved.history)
    assert again.picture != done(context, spec).picture


@pytest.mark.parametrize("method", ["pgd", "minimum", "sparse"])
def test_reading_figures_some_steps_later_finds_the_same_picture(context, spec_of, method):
    found = []
    for most in (1, 4):
        runner, (job,) = started(context, spec_of(method=method, steps=10, confidence=0.6))
        runner._most_unread = most
        turned(runner)
        found.append((job.snapshot.picture, job.snapshot.history, job.snapshot.first_success))
    assert found[0] == found[1]
