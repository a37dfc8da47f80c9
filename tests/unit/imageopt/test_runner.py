"""Whatever goes wrong with one job of a batch is that job's alone."""

import logging

import numpy as np
import pytest

from tests.unit.tiny import tiny_backbone
from tests.unit.turned import done, started, turned, turned_to
from tl_core.engine.job import JobState
from tl_core.errors import UserError
from tl_core.ideal import runner as ideal_module
from tl_core.ideal.runner import IdealRunner
from tl_core.imageopt import runner as runner_module
from tl_core.images.encode import encode_png
from tl_core.specs.attack import Attack
from tl_core.specs.ideal import IdealImage, IdealSnapshot

pytestmark = pytest.mark.usefixtures("every_step_ends_a_slice")


@pytest.fixture
def spec_of(context):
    """An ideal image, or an attack on a photograph of noise."""
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    photo = context.photos.add(encode_png(picture), "someone")
    fields = {"backbone": "tiny", "target": 3, "steps": 8}
    of_attacks = {"photo": photo, "epsilon": 8, "confidence": 1.0}

    def made(kind, **changes):
        return kind(**fields | (of_attacks if kind is Attack else {}) | changes)

    return made


KINDS = pytest.mark.parametrize("kind", [IdealImage, Attack])


@pytest.fixture
def ideal(context, spec_of):
    """A runner with two jobs that draw side by side."""
    return started(context, *(spec_of(IdealImage, seed=seed) for seed in range(2)))


@KINDS
def test_pause_and_resume_give_the_same_picture_as_a_run_without(context, spec_of, kind):
    whole = done(context, spec_of(kind))
    runner, (job,) = started(context, spec_of(kind))
    turned_to(runner, job, 3)
    assert runner.remove(job, keep=True)
    assert job.saved is not None
    assert (runner.jobs, runner.batch.slots) == ([], ())
    other = type(runner)(context, job.spec)
    other.add(job)
    turned(other)
    assert without_loss(job.snapshot) == without_loss(whole)
    assert job.snapshot.history == whole.history


def without_loss(snapshot):
    """The picture's PNG."""
    return snapshot.png if isinstance(snapshot, IdealSnapshot) else snapshot.picture


@KINDS
def test_a_cancelled_job_leaves_the_batch(context, spec_of, kind):
    runner, (gone, stays) = started(context, spec_of(kind), spec_of(kind, seed=1))
    turned_to(runner, gone, 2)
    assert runner.remove(gone, keep=False)
    assert gone.saved is None
    assert len(runner.batch.slots) == 1
    turned(runner)
    assert stays.state is JobState.DONE
    assert gone.state is JobState.QUEUED  # the scheduler marks it


@KINDS
def test_a_nan_fails_its_own_job_only(context, spec_of, kind):
    runner, (broken, good) = started(context, spec_of(kind), spec_of(kind, seed=1))
    turned_to(runner, broken, 2)
    slot = runner.members[broken].slot
    runner.batch.leave(slot)
    slot.state[:] = float("nan")
    runner.batch.join(slot)
    turned(runner)
    assert broken.state is JobState.FAILED
    assert "no longer" in str(broken.error)
    assert good.state is JobState.DONE


@KINDS
def test_networks_that_know_different_classes_look_at_no_picture_together(context, spec_of, kind):
    context.backbones._loaded.put("other", tiny_backbone(1, "other", class_count=3), 0)
    runner, _jobs = started(context, spec_of(kind, also=("other",)))
    with pytest.raises(UserError, match="different classes"):
        turned(runner)


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        (Attack, {"target": 10}, "10 classes"),
        (Attack, {"photo": "sha256:0"}, "no longer in the lab's memory"),
        (IdealImage, {"target": 10}, "between 0 and 9"),
        (IdealImage, {"second_target": 10, "mix": 0.5}, "between 0 and 9"),
        (IdealImage, {"steps": 50_000}, "at most 4096"),
        (IdealImage, {"layer": "attic"}, "no layer called attic"),
        (IdealImage, {"layer": "layer1", "channel": 5000}, "channel must be between"),
        (IdealImage, {"photo": "sha256:0"}, "no longer in the lab's memory"),
    ],
)
def test_an_impossible_job_fails_in_a_sentence_and_others_go_on(
    context, spec_of, kind, changes, words
):
    runner, (bad, good) = started(context, spec_of(kind, **changes), spec_of(kind))
    turned(runner)
    assert bad.state is JobState.FAILED
    assert words in str(bad.error)
    assert good.state is JobState.DONE


@pytest.mark.parametrize("others", [0, 1])
def test_a_control_moved_to_what_the_network_does_not_know_ends_its_own_job_only(
    context, spec_of, others
):
    specs = [spec_of(IdealImage, second_target=n) for n in (99, 4)]
    runner, (bad, *good) = started(context, *specs[: 1 + others])
    turned(runner, until=lambda: len(runner.members) == 1 + others)
    bad.update(mix=0.5)
    turned(runner)
    assert "target must be a class between 0 and 9" in str(bad.error)
    assert [job.state for job in good] == [JobState.DONE] * others


@pytest.mark.parametrize(
    ("kind", "method", "moves"),
    [
        (IdealImage, "read", {}),  # its figures
        (Attack, "take", {"epsilon": 2}),
        (Attack, "conclude", {}),  # the saved file is read back
    ],
)
def test_whatever_goes_wrong_with_a_picture_under_way_ends_its_own_job_only(
    context, spec_of, monkeypatch, caplog, kind, method, moves
):
    runner, (bad, good) = started(context, spec_of(kind), spec_of(kind, seed=1))
    turned(runner, until=lambda: len(runner.members) == 2)
    member = type(runner.members[bad])
    works = getattr(member, method)

    def broken(self, *arguments):
        if self.spec == bad.spec:
            raise RuntimeError("secret detail")
        return works(self, *arguments)

    monkeypatch.setattr(member, method, broken)
    bad.update(**moves)
    with caplog.at_level(logging.ERROR):
        turned(runner)
    assert (bad.state, good.state) == (JobState.FAILED, JobState.DONE)
    assert "Something went wrong" in str(bad.error)
    assert "secret detail" in caplog.text


@pytest.mark.parametrize(
    ("kind", "step"),
    [(IdealImage, name) for name in ("draft", "snapshot", "_publish", "encode", "record")]
    + [(Attack, name) for name in ("draft", "_publish", "encode")],
)
def test_a_picture_that_cannot_be_shown_ends_its_own_job_only(
    context, spec_of, monkeypatch, kind, step
):
    runner, (bad, good) = started(context, spec_of(kind), spec_of(kind, seed=1))
    works = getattr(type(runner), step)

    def broken(self, about, *arguments, **options):
        if about in (bad, self.members.get(bad)):
            raise RuntimeError("only this one")
        return works(self, about, *arguments, **options)

    monkeypatch.setattr(type(runner), step, broken)
    turned(runner)
    assert (bad.state, good.state) == (JobState.FAILED, JobState.DONE)


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
