import dataclasses
import math
from collections.abc import Callable

import pytest
import torch

from tests.hostile import saved
from tests.lack_of_memory import LACKS_OF_MEMORY
from tests.unit.training.conftest import Do, photo_of
from tl_core.backbones.backbone import Backbone
from tl_core.context import Context, fitted, pixels_from
from tl_core.engine.job import Job, JobCancelled
from tl_core.errors import UserError
from tl_core.local.handlers import make_runner
from tl_core.specs.base import Snapshot
from tl_core.specs.training import MODES, FineTune, FineTuneSnapshot, LabelBudget
from tl_core.training import inputs

MODE_KEYS = [row.key for row in MODES]


def spec(**fields: object) -> FineTune:
    given = {"backbone": "tiny", "dataset": "colours", "batch_size": 8} | fields
    return FineTune(**given)  # type: ignore[arg-type]


def final(job: Job) -> FineTuneSnapshot:
    assert isinstance(job.snapshot, FineTuneSnapshot)
    assert job.snapshot.result is not None
    return job.snapshot


@pytest.mark.parametrize("mode", MODE_KEYS)
def test_every_way_ends_with_a_model_of_the_visitors_own(
    mode: str, do: Do, context: Context
) -> None:
    end = final(do(spec(mode=mode, epochs=2)))
    assert end.result is not None
    assert [model.key for model in context.backbones.own_models("me")] == [end.result.model]
    model = context.backbones.load(end.result.model)
    assert model.classes == ("blue", "red")
    assert model.logits(torch.rand(1, 3, 32, 32)).shape == (1, 2)
    assert not any(p.requires_grad for m in (model.body, model.head) for p in m.parameters())
    assert not any(module.training for module in model.body.modules())
    assert end.trainable_parameters > 0
    assert end.validation_photographs == len(end.result.predictions) == 8


@pytest.mark.parametrize("mode", ["head", "pixels"])
def test_colours_are_learned(mode: str, do: Do) -> None:
    end = final(do(spec(mode=mode, epochs=60, learning_rate=1e-2)))
    assert end.result is not None
    assert end.result.accuracy == 1.0
    assert end.result.interval[0] < 1.0
    assert end.epochs[-1].train_loss < end.epochs[0].train_loss


@pytest.mark.parametrize("mode", MODE_KEYS)
def test_equal_seeds_give_equal_curves(mode: str, do: Do) -> None:
    fields = {"mode": mode, "epochs": 2, "augmentation": "strong", "dropout": 0.3}
    losses = [
        [point.train_loss for point in final(do(spec(seed=seed, **fields))).epochs]
        for seed in (5, 5, 6)
    ]
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


def test_the_model_answers_as_its_result_says(do: Do, context: Context) -> None:
    for mode in ("head", "last-block", "full", "pixels"):
        end = final(do(spec(mode=mode, epochs=3)))
        assert end.result is not None
        model = context.backbones.load(end.result.model)
        prediction = end.result.predictions[0]
        data = context.datasets.read("colours", prediction.name)
        probs = model.logits(pixels(context, data, model)).softmax(1)[0]
        # Features are kept in half precision
        assert float(probs[prediction.predicted]) == pytest.approx(prediction.confidence, abs=5e-3)


@pytest.mark.parametrize("mode", ["head", "full"])
def test_a_data_sets_other_tests_are_taken_by_the_finished_model(
    mode: str, do: Do, context: Context
) -> None:
    fields = {"dataset": "coloured_digits", "mode": mode, "epochs": 1}
    end = final(do(spec(photos_per_class=4, max_validation=40, **fields)))
    assert end.result is not None
    model = context.backbones.load(end.result.model)
    assert [len(shifted.predictions) for _name, shifted in end.result.shifts] == [300, 300]
    for _name, shifted in end.result.shifts:
        prediction = shifted.predictions[0]
        data = context.datasets.read("coloured_digits", prediction.name)
        probs = model.logits(pixels(context, data, model)).softmax(1)[0]
        assert float(probs[prediction.predicted]) == pytest.approx(prediction.confidence, abs=5e-3)
        assert all(found.p_value is not None for found in shifted.predictions)


@pytest.mark.parametrize("mode", ["head", "scratch"])
def test_without_new_features_nothing_pretrained_is_forgotten(mode: str, do: Do) -> None:
    result = final(do(spec(mode=mode, epochs=1))).result
    assert result is not None
    assert result.forgetting is None


def test_where_all_layers_learn_the_old_head_is_asked_again(do: Do) -> None:
    result = final(do(spec(mode="full", epochs=1, head_first=False))).result
    assert result is not None
    assert result.forgetting is not None


def pixels(context: Context, data: bytes, model: Backbone) -> torch.Tensor:
    return pixels_from(
        fitted(context.photos, context.photos.add(data, "me"), model.row), context.device
    )


def test_features_of_unscaled_inputs_are_not_taken_for_those_of_scaled_ones(do: Do) -> None:
    ends = [final(do(spec(epochs=1, input_scaling=scaling))) for scaling in (True, False, True)]
    losses = [end.epochs[0].validation_loss for end in ends]
    assert losses[0] == losses[2] != losses[1]


@pytest.mark.parametrize("mode", MODE_KEYS)
def test_the_shared_backbone_is_not_touched(mode: str, do: Do, context: Context) -> None:
    backbone = context.backbones.load("tiny")
    before = {k: v.clone() for k, v in backbone.body.state_dict().items()}
    do(spec(mode=mode, epochs=2, train_batch_norm=True, head_first=False))
    assert all(torch.equal(v, before[k]) for k, v in backbone.body.state_dict().items())
    assert not any(p.requires_grad or p.grad is not None for p in backbone.body.parameters())


def test_validation_photographs_are_never_trained_on(
    do: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: set[str] = set()
    tested: set[str] = set()
    plan = inputs.PhotoInputs.plan

    def spy(self: inputs.PhotoInputs, batches: list[list[int]], *, is_training: bool) -> None:
        numbers = {n for batch in batches for n in batch}
        (trained if is_training else tested).update(self.examples[n].key for n in numbers)
        plan(self, batches, is_training=is_training)

    monkeypatch.setattr(inputs.PhotoInputs, "plan", spy)
    end = final(do(spec(mode="full", epochs=2)))
    assert end.result is not None
    assert {p.photo for p in end.result.predictions} == tested
    assert len(trained) == end.train_photographs
    assert not trained & tested


def test_snapshots_tell_what_happens(
    do: Do, snapshots: tuple[list[Snapshot], Callable[[Job], None]]
) -> None:
    seen, watch = snapshots
    do(spec(mode="full", epochs=2), on=watch)
    phases = [s.phase for s in seen if isinstance(s, FineTuneSnapshot)]
    assert list(dict.fromkeys(phases))[-1] == "done"
    epochs = [len(s.epochs) for s in seen if isinstance(s, FineTuneSnapshot)]
    assert epochs == sorted(epochs)
    end = seen[-1]
    assert isinstance(end, FineTuneSnapshot)
    assert [p.part for p in end.epochs] == ["head"] * 30 + ["network"] * 2
    assert [p.epoch for p in end.epochs] == list(range(1, 33))
    assert 1 <= end.best_epoch <= 32


def test_a_second_run_on_the_same_photographs_computes_no_features(
    do: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = final(do(spec()))
    monkeypatch.setattr("tl_core.training.embeddings.extract", None)  # must not be called
    again = final(do(spec()))
    assert first.result is not None
    assert again.result is not None
    assert first.result.predictions == again.result.predictions


def own_spec(context: Context, **fields: object) -> FineTune:
    keys = [
        tuple(context.photos.add(saved(photo_of(c, n), "PNG"), "me") for n in range(4))
        for c in range(2)
    ]
    photos = (("tea", keys[0]), ("coffee", keys[1]))
    return spec(dataset="own", photos=photos, **fields)


@pytest.mark.parametrize("mode", MODE_KEYS)
def test_one_recording_of_each_class_is_learned_whole_and_not_measured(
    mode: str, do: Do, context: Context
) -> None:
    recorded = own_spec(context, mode=mode, epochs=2, label="tea and coffee")
    recorded = dataclasses.replace(recorded, bursts=tuple(keys for _name, keys in recorded.photos))
    end = final(do(recorded))
    assert end.result is not None
    assert not end.result.is_measured
    assert (end.train_photographs, end.validation_photographs) == (8, 0)
    assert math.isnan(end.result.accuracy)
    assert math.isnan(end.epochs[-1].validation_accuracy)
    assert end.best_epoch == end.epochs[-1].epoch
    assert context.backbones.load(end.result.model).label == "tea and coffee"
    with pytest.raises(UserError, match="Record each class again"):
        do(
            LabelBudget(
                **{f: getattr(recorded, f) for f in ("backbone", "dataset", "photos", "bursts")}
            )
        )


def test_a_second_recording_of_each_class_is_what_it_is_tested_on(do: Do, context: Context) -> None:
    twice = own_spec(context, epochs=2)
    halves = tuple(keys[i : i + 2] for _name, keys in twice.photos for i in (0, 2))
    end = final(do(dataclasses.replace(twice, bursts=halves)))
    assert end.result is not None
    tested = {found.photo for found in end.result.predictions}
    assert all(len(tested & {*half}) in (0, 2) for half in halves)
    assert len(tested) == 4


def test_a_visitors_photographs_leave_nothing_on_the_disk(do: Do, context: Context) -> None:
    end = final(do(own_spec(context)))
    assert end.classes == ("tea", "coffee")
    assert not (context.settings.cache_dir / "embeddings").exists()
    context.embeddings.forget("me")
    context.photos.forget("me")
    with pytest.raises(UserError, match="no longer"):
        do(dataclasses.replace(own_spec(context), photos=(("a", ("x", "y")), ("b", ("z", "w")))))


@pytest.mark.parametrize("mode", ["head", "full"])
@pytest.mark.parametrize("after_slices", [1, 3, 6, 12, 200])
def test_a_cancelled_run_leaves_no_model(
    mode: str, after_slices: int, do: Do, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tl_core.training.loop.SLICE_S", 0.0)  # a slice for each micro-batch
    slices = 0

    def stop(job: Job) -> None:
        nonlocal slices
        slices += 1
        if slices == after_slices:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        do(spec(mode=mode, epochs=200), on=stop)
    assert context.backbones.own_models("me") == []


def test_the_learning_rate_can_be_moved_during_a_run(do: Do) -> None:
    def move(job: Job) -> None:
        if isinstance(job.snapshot, FineTuneSnapshot) and job.snapshot.train_photographs:
            job.update(learning_rate=0.5)

    end = final(do(spec(schedule="constant", epochs=3), on=move))
    assert end.epochs[-1].learning_rate == 0.5


def test_a_run_that_gets_no_better_ends_early(do: Do) -> None:
    end = final(do(spec(epochs=100, early_stopping=2, learning_rate=1e-9)))
    assert len(end.epochs) == end.best_epoch + 2 < 100


def test_training_that_flies_apart_says_so(do: Do) -> None:
    with pytest.raises(UserError, match="flew apart"):
        do(
            spec(
                mode="full",
                optimiser="momentum",
                learning_rate=10.0,
                batch_size=1,
                head_first=False,
            )
        )


def test_a_run_that_flies_apart_later_keeps_the_best_epoch_before(do: Do) -> None:
    def wreck(job: Job) -> None:
        if isinstance(job.snapshot, FineTuneSnapshot) and job.snapshot.epochs:
            job.update(learning_rate=10.0)

    fields = {"mode": "scratch", "optimiser": "momentum", "schedule": "constant", "epochs": 100}
    end = final(do(spec(learning_rate=1e-4, **fields), on=wreck))
    assert end.result is not None
    assert end.result.has_diverged
    assert 1 <= end.best_epoch <= len(end.epochs) < 100


@pytest.mark.parametrize("mode", ["last-block", "full"])
def test_where_the_head_alone_is_better_it_is_kept_and_said_so(mode: str, do: Do) -> None:
    end = final(do(spec(mode=mode, learning_rate=1.0, epochs=2)))
    head = final(do(spec(mode="head", learning_rate=1e-3)))
    assert end.result is not None
    assert end.result.is_head_alone
    assert end.trainable_parameters == head.trainable_parameters
    own = [p.validation_accuracy for p in end.epochs if p.part == "network"]
    assert end.result.unfrozen_accuracy == (max(own) if own else None)


@pytest.mark.parametrize("mode", ["last-block", "full", "scratch"])
def test_an_unfrozen_network_that_is_better_is_kept(mode: str, do: Do) -> None:
    end = final(do(spec(mode=mode, epochs=2, head_first=False)))
    assert end.result is not None
    assert not end.result.is_head_alone
    assert end.result.unfrozen_accuracy == end.result.accuracy
    assert end.trainable_parameters > end.total_parameters / 10


def test_a_head_that_alone_was_asked_for_has_no_unfrozen_network(do: Do) -> None:
    result = final(do(spec(epochs=1))).result
    assert result is not None
    assert (result.is_head_alone, result.unfrozen_accuracy) == (False, None)


@pytest.mark.parametrize("mode", ["last-block", "full"])
def test_photographs_that_do_not_fit_are_read_anew_each_epoch(
    mode: str, do: Do, context: Context
) -> None:
    resident = final(do(spec(mode=mode, epochs=2)))
    object.__setattr__(context.settings, "feature_memory_mb", 0)
    streamed = final(do(spec(mode=mode, epochs=2)))
    for one, other in zip(resident.epochs, streamed.epochs, strict=True):
        assert one.train_loss == pytest.approx(other.train_loss, abs=2e-3)


@pytest.mark.parametrize(("mode", "input_bytes"), [("head", 24 * 2), ("full", 24 * 3 * 32**2)])
def test_a_run_says_how_much_memory_it_takes(
    mode: str, input_bytes: int, do: Do, context: Context
) -> None:
    held: list[int] = []
    job = do(spec(mode=mode, epochs=1), on=lambda job: held.append(job.held_bytes))
    model = context.backbones.own_models("me")[0]
    width = model.embedding_size if mode == "head" else 1
    assert max(held) > input_bytes * width
    assert job.held_bytes == 0


def test_a_paused_run_that_is_dropped_takes_no_memory(context: Context) -> None:
    job = Job(spec(mode="full", epochs=200), "me")
    runner = make_runner(job, context)
    while not job.held_bytes:
        parked = runner.advance()
        if parked is not None:
            parked.exception()
    runner.remove(job, keep=True)
    assert job.held_bytes > 0
    runner.remove(job, keep=False)
    runner.close()
    job.mark_cancelled()
    assert job.held_bytes == 0


@pytest.mark.parametrize("error", LACKS_OF_MEMORY, ids=repr)
def test_a_training_without_memory_says_so_and_the_next_one_works(
    do: Do, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def no_memory(*_arguments: object, **_options: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("tl_core.training.trainable.TrainableModel.logits", no_memory)
        with pytest.raises(UserError, match="too little memory for this batch"):
            do(spec(epochs=1))
    assert final(do(spec(epochs=1)))


def test_the_hosted_copy_unfreezes_no_large_network(do: Do, context: Context) -> None:
    row = context.backbones.rows["tiny"]
    context.backbones.rows["tiny"] = dataclasses.replace(row, parameters_m=100.0)
    object.__setattr__(context.settings, "profile", "cloud")
    with pytest.raises(UserError, match="too large to unfreeze"):
        do(spec(mode="full"))
    assert final(do(spec(mode="head", epochs=1)))
