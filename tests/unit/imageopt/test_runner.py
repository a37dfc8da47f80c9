"""Whatever goes wrong with one job of a batch is that job's alone."""

import logging

import numpy as np
import pytest

from tl_core.attack.runner import AttackMember, AttackRunner
from tl_core.attack.spec import Attack
from tl_core.engine.job import Job, JobState
from tl_core.ideal import runner as ideal_module
from tl_core.ideal.runner import IdealMember, IdealRunner
from tl_core.ideal.spec import IdealImage
from tl_core.imageopt import runner as runner_module
from tl_core.images.encode import encode_png


@pytest.fixture(autouse=True)
def every_step_ends_a_slice(monkeypatch):
    monkeypatch.setattr(runner_module, "SLICE_S", 0.0)


@pytest.fixture
def ideal(context):
    """A runner with two jobs that draw side by side."""
    specs = [IdealImage(backbone="tiny", target=3, steps=8, seed=seed) for seed in range(2)]
    return started(IdealRunner(context, specs[0]), specs)


def started(runner, specs):
    jobs = [Job(spec, "someone") for spec in specs]
    for job in jobs:
        runner.add(job)
    return runner, jobs


def turned(runner, *, until=lambda: False):
    for _ in range(100):
        if not runner.jobs or until():
            return
        runner.advance()
    raise AssertionError("the runner does not end")


def test_a_control_moved_to_what_the_network_does_not_know_ends_its_own_job_only(context):
    specs = [IdealImage(backbone="tiny", target=3, steps=8, second_target=n) for n in (99, 4)]
    runner, (bad, good) = started(IdealRunner(context, specs[0]), specs)
    turned(runner, until=lambda: len(runner.members) == 2)
    bad.update(mix=0.5)
    turned(runner)
    assert "target must be a class between 0 and 9" in str(bad.error)
    assert good.state is JobState.DONE


def test_a_batch_whose_only_job_fails_at_a_moved_control_ends(context):
    spec = IdealImage(backbone="tiny", target=3, second_target=99)
    runner, (job,) = started(IdealRunner(context, spec), [spec])
    turned(runner, until=lambda: runner.members)
    job.update(mix=0.5)
    turned(runner)
    assert job.state is JobState.FAILED


def test_an_attack_that_cannot_be_moved_ends_alone(context, monkeypatch, caplog):
    draw = np.random.default_rng(0)
    photos = [draw.integers(0, 256, (32, 32, 3), np.uint8) for _ in range(2)]
    keys = [context.photos.add(encode_png(photo), "someone") for photo in photos]
    specs = [Attack(backbone="tiny", photo=key, target=4, steps=6, confidence=1.0) for key in keys]
    runner, (bad, good) = started(AttackRunner(context, specs[0]), specs)
    turned(runner, until=lambda: len(runner.members) == 2)

    def broken(self, moves, current):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(AttackMember, "take", broken)
    bad.update(epsilon=2)
    with caplog.at_level(logging.ERROR):
        turned(runner)
    assert "Something went wrong" in str(bad.error)
    assert "secret detail" in caplog.text
    assert good.state is JobState.DONE


def test_whatever_goes_wrong_at_admission_ends_the_job_that_comes_in_and_no_other(
    ideal, monkeypatch, caplog
):
    runner, (good, bad) = ideal
    real = ideal_module.slot_of

    def slot(spec, *start):
        if spec == bad.spec:
            raise RuntimeError("secret detail")
        return real(spec, *start)

    monkeypatch.setattr(ideal_module, "slot_of", slot)
    with caplog.at_level(logging.ERROR):
        turned(runner)
    assert (good.state, bad.state) == (JobState.DONE, JobState.FAILED)
    assert "Something went wrong" in str(bad.error)
    assert "secret detail" in caplog.text


def test_a_slot_of_another_size_leaves_the_batch_as_it_was(ideal):
    runner, (good, bad) = ideal
    turned(runner, until=lambda: len(runner.members) == 2)
    slot = runner.members[bad].slot
    runner.batch.leave(slot)
    slot.state = slot.state[..., :1]
    with pytest.raises(RuntimeError):
        runner.batch.join(slot)
    assert runner.batch.slots == (runner.members[good].slot,)
    runner.batch.step()


@pytest.fixture
def attacks(context):
    """A runner with two attacks side by side."""
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    photo = context.photos.add(encode_png(picture), "someone")
    specs = [
        Attack(backbone="tiny", photo=photo, target=4, epsilon=8, steps=6, confidence=1.0, seed=n)
        for n in range(2)
    ]
    return started(AttackRunner(context, specs[0]), specs)


def failing_for(bad, method):
    """The method, but an error where it is about the job ``bad``."""

    def call(self, about, *arguments, **options):
        if about in (bad, self.members.get(bad)):
            raise RuntimeError("only this one")
        return method(self, about, *arguments, **options)

    return call


@pytest.mark.parametrize("step", ["draft", "snapshot", "_publish", "encode", "record"])
def test_a_picture_that_cannot_be_shown_ends_its_own_job_only(ideal, monkeypatch, step):
    runner, (bad, good) = ideal
    monkeypatch.setattr(IdealRunner, step, failing_for(bad, getattr(IdealRunner, step)))
    turned(runner)
    assert (bad.state, good.state) == (JobState.FAILED, JobState.DONE)


def test_figures_that_cannot_be_read_end_their_own_job_only(ideal, monkeypatch):
    runner, (bad, good) = ideal
    read = IdealMember.read

    def broken(member, *what):
        if member.spec == bad.spec:
            raise KeyError("no such figure")
        read(member, *what)

    monkeypatch.setattr(IdealMember, "read", broken)
    turned(runner)
    assert (bad.state, good.state) == (JobState.FAILED, JobState.DONE)


def test_a_failure_while_figures_are_read_does_not_keep_a_job_in_the_batch(ideal, monkeypatch):
    runner, (bad, good) = ideal
    turned(runner, until=lambda: len(runner.members) == 2)
    with monkeypatch.context() as broken:
        broken.setattr(IdealRunner, "_read", lambda self: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            runner.remove(bad, keep=False)
    assert bad not in runner.jobs
    assert len(runner.batch.slots) == 1
    turned(runner)
    assert good.state is JobState.DONE


@pytest.mark.parametrize("step", ["draft", "_publish", "encode"])
def test_an_attack_that_cannot_be_shown_ends_its_own_job_only(attacks, monkeypatch, step):
    runner, (bad, good) = attacks
    monkeypatch.setattr(AttackRunner, step, failing_for(bad, getattr(AttackRunner, step)))
    turned(runner)
    assert (bad.state, good.state) == (JobState.FAILED, JobState.DONE)


def test_an_attack_whose_file_cannot_be_written_ends_alone(attacks, monkeypatch):
    runner, (bad, good) = attacks
    encode = AttackRunner.encode

    def broken(self, member, draft, picture):
        if '"seed": 0' in draft.settings:
            raise OSError("no more files")
        return encode(self, member, draft, picture)

    monkeypatch.setattr(AttackRunner, "encode", broken)
    turned(runner)
    assert (bad.state, good.state) == (JobState.FAILED, JobState.DONE)


def test_an_attack_whose_round_trip_fails_ends_alone(attacks, monkeypatch):
    runner, (bad, good) = attacks
    conclude = AttackMember.conclude

    def broken(member):
        if member.spec.seed == 0:
            raise OSError("no more files")
        conclude(member)

    monkeypatch.setattr(AttackMember, "conclude", broken)
    turned(runner)
    assert (bad.state, good.state) == (JobState.FAILED, JobState.DONE)


def test_pictures_that_end_together_say_at_the_end_how_many_they_were(ideal):
    runner, jobs = ideal
    turned(runner)
    assert [job.snapshot.batch_size for job in jobs] == [2, 2]


def test_a_speed_is_that_of_the_newest_pictures_in_a_batch_of_one_size(ideal, monkeypatch):
    runner, (job, _other) = ideal
    turned(runner, until=lambda: len(runner.members) == 2)
    member = runner.members[job]
    clock = iter([0.0, 1.0, 2.0, 3.0])
    monkeypatch.setattr(runner_module.time, "monotonic", lambda: next(clock))
    member.slot.step = 0
    member.begin_pace()
    member.slot.step = 10
    assert member.pace(1) == 10
    member.slot.step = 30
    assert member.pace(1) == 15
    member.slot.step = 35
    assert member.pace(2) == 5


@pytest.mark.parametrize(("longest_s", "is_shown"), [(0.0, True), (1000.0, False)])
def test_pictures_are_shown_after_a_while_however_long_that_took_before(
    ideal, monkeypatch, longest_s, is_shown
):
    runner, jobs = ideal
    turned(runner, until=lambda: all(job.snapshot for job in jobs))
    monkeypatch.setattr("tl_core.imageopt.runner.LONGEST_S", longest_s)
    runner._showing_s, runner._stepped_s = 100.0, 0.1  # beside many others it took long
    members = [runner.members[job] for job in jobs]
    assert not any(member.is_done for member in members)
    assert runner._may_show(members) is is_shown
