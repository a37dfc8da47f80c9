"""A model that was trained says "none of these", here, in its file and on another machine."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import safetensors.torch
import torch

from tests.hostile import saved
from tests.model_files import that_can_tell, unpacked
from tests.unit.training.conftest import Do, photo_of
from tl_core.backbones.backbone import Backbone
from tl_core.backbones.novelty import MOST_REFERENCES
from tl_core.context import Context
from tl_core.errors import UserError
from tl_core.live.look import look
from tl_core.specs.classify import Classification, Classify
from tl_core.specs.training import FineTune, FineTuneResult, FineTuneSnapshot
from tl_core.training.model_file import load_model, plain_pytorch, save_model

State = dict[str, torch.Tensor]
Meta = dict[str, str]
PHOTOS = 16  # a class


@pytest.fixture
def spec(context: Context) -> FineTune:
    """Red and blue pictures, as many as calibrate a model."""
    keys = [
        tuple(context.photos.add(saved(photo_of(c, n), "PNG"), "me") for n in range(PHOTOS))
        for c in range(2)
    ]
    return FineTune(backbone="tiny", dataset="own", photos=(("red", keys[0]), ("blue", keys[1])))


def taught(do: Do, spec: FineTune) -> FineTuneResult:
    job = do(spec)
    assert isinstance(job.snapshot, FineTuneSnapshot)
    assert job.snapshot.result is not None
    return job.snapshot.result


def model_of(do: Do, spec: FineTune, context: Context) -> Backbone:
    return context.backbones.load(taught(do, spec).model)


@pytest.mark.parametrize("mode", ["head", "last-block", "full", "pixels"])
def test_whatever_was_trained_can_tell(mode: str, do: Do, spec: FineTune, context: Context) -> None:
    model = model_of(do, replace(spec, mode=mode, epochs=1, head_first=False), context)
    assert model.novelty is not None
    assert (model.novelty.kind, model.novelty.calibration.groups) == ("left out", 22)
    assert len(model.novelty.reference) == len(model.novelty.keys) == 22
    own = context.backbones.own(model.key)
    assert own.size_bytes >= model.novelty.size_bytes


def test_an_answer_says_how_unusual_the_photograph_is_and_which_is_nearest(
    do: Do, spec: FineTune, context: Context
) -> None:
    model = model_of(do, spec, context)
    assert model.novelty is not None
    known = model.novelty.keys[3]
    said, plain = (do(Classify(photo=known, backbone=key)).snapshot for key in (model.key, "tiny"))
    assert isinstance(said, Classification)
    assert isinstance(plain, Classification)
    assert said.novelty is not None
    assert (said.novelty.nearest, said.novelty.p_value) == (known, 1)
    assert said.novelty.distance < 0.01
    assert plain.novelty is None


def test_frames_are_judged_as_photographs_are(do: Do, spec: FineTune, context: Context) -> None:
    model = model_of(do, spec, context)
    assert model.novelty is not None
    pixels = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        alone = model.novelty.judge(model.embed(pixels))
    seen = [answer.novelty for answer in look(model, pixels, [None] * 3)]
    assert [one.p_value for one in seen if one] == [one.p_value for one in alone]
    plain = look(context.backbones.load("tiny"), pixels, [None] * 3)
    assert [answer.novelty for answer in plain] == [None] * 3


def test_photographs_it_never_learned_from_are_judged_too(do: Do, spec: FineTune) -> None:
    result = taught(do, spec)
    assert len(result.predictions) == 10
    assert all(found.p_value and 0 < found.p_value <= 1 for found in result.predictions)


def test_near_copies_count_once(do: Do, spec: FineTune, context: Context) -> None:
    bursts = tuple(photos[n : n + 4] for _, photos in spec.photos for n in range(0, PHOTOS, 4))
    model = model_of(do, replace(spec, bursts=bursts), context)
    assert model.novelty is None  # and there is no general distance of this network


def test_the_class_of_other_things_is_no_reference(
    do: Do, spec: FineTune, context: Context
) -> None:
    more = tuple(context.photos.add(saved(photo_of(0, 50 + n), "PNG"), "me") for n in range(16))
    three = replace(spec, photos=(*spec.photos, ("else", more)), something_else="else")
    result = taught(do, three)
    found = context.backbones.load(result.model).novelty
    assert found is not None
    assert not set(found.keys) & set(more)
    assert {p.label for p in result.predictions if p.p_value is not None} == {0, 1, 2}


def test_a_class_of_other_things_must_be_a_class(spec: FineTune) -> None:
    with pytest.raises(ValueError, match="something_else must be one of the classes"):
        replace(spec, something_else="teapots")


def test_a_file_keeps_what_it_can_tell_and_names_no_photograph(
    do: Do, spec: FineTune, context: Context
) -> None:
    model = model_of(do, spec, context)
    assert model.novelty is not None
    data = save_model(model)
    assert model.novelty.keys[0].encode() not in data
    loaded = load_model(data, context.backbones, key="own:x", owner="me")
    found = loaded.backbone.novelty
    assert found is not None
    assert (found.calibration, found.keys) == (model.novelty.calibration, ())
    assert torch.equal(found.reference, model.novelty.reference)
    head_bytes = 4 * (2 * model.embedding_size + 2)
    assert loaded.size_bytes == head_bytes + found.size_bytes


def test_on_its_way_to_another_machine_it_keeps_the_names_for_its_owner(
    do: Do, spec: FineTune, context: Context
) -> None:
    model, base = model_of(do, spec, context), context.backbones.load("tiny")
    assert model.novelty is not None
    data = save_model(model, beside=base, is_for_owner=True)
    for believed, keys in ((True, model.novelty.keys), (False, ())):
        found = load_model(
            data,
            context.backbones,
            key="own:x",
            owner="me",
            beside=base,
            is_for_owner=believed,
        ).backbone.novelty
        assert found is not None
        assert found.keys == keys


def test_a_file_without_it_opens_and_cannot_tell(do: Do, spec: FineTune, context: Context) -> None:
    model = replace(model_of(do, spec, context), novelty=None)
    loaded = load_model(save_model(model), context.backbones, key="own:x", owner="me")
    assert loaded.backbone.novelty is None
    assert loaded.backbone.calibration is None


def test_the_lines_of_pytorch_leave_its_tensors_aside(
    do: Do, spec: FineTune, context: Context
) -> None:
    model = model_of(do, spec, context)
    assert 'startswith("novelty.")' in plain_pytorch(model)


def _change(name: str, value: float) -> Callable[[State, Meta], None]:
    def change(state: State, _metadata: Meta) -> None:
        state[f"novelty.{name}"][0] = value

    return change


def _grow(state: State, _metadata: Meta) -> None:
    state["novelty.reference"] = state["novelty.reference"][:1].repeat(MOST_REFERENCES + 1, 1)


def _empty(state: State, _metadata: Meta) -> None:
    state["novelty.distances"] = state["novelty.weights"] = torch.empty(0)


def _millions(state: State, _metadata: Meta) -> None:
    state["novelty.distances"] = torch.zeros(2_000_000)
    state["novelty.weights"] = torch.ones(2_000_000)


def _cut(state: State, _metadata: Meta) -> None:
    state["novelty.reference"] = torch.nn.functional.normalize(
        state["novelty.reference"][:, :5].float(), dim=1
    ).half()


TRICKS: dict[str, Callable[[State, Meta], object]] = {
    "a reference that is no number": _change("reference", float("nan")),
    "a reference of another length": _change("reference", 3.0),
    "a distance that is no number": _change("distances", float("nan")),
    "distances in no order": _change("distances", 1.9),
    "a weight below zero": _change("weights", -1.0),
    "an endless weight": _change("weights", float("inf")),
    "too many references": _grow,
    "no calibration": _empty,
    "millions": _millions,
    "embeddings of another size": _cut,
    "no kind": lambda _state, metadata: metadata.pop("novelty"),
    "an unknown kind": lambda _state, metadata: metadata.update(novelty="perfect"),
    "one tensor alone": lambda state, _metadata: state.pop("novelty.weights"),
    "another type": lambda state, _metadata: state.update(
        {"novelty.reference": state["novelty.reference"].float()}
    ),
}


@pytest.mark.parametrize("trick", TRICKS)
def test_a_file_with_hostile_figures_is_refused(trick: str, context: Context) -> None:
    data = that_can_tell("It can tell", ("red", "blue"))
    load_model(data, context.backbones, key="k", owner="me")
    state, metadata = unpacked(data)
    state = {name: tensor.clone() for name, tensor in state.items()}
    TRICKS[trick](state, metadata)
    state = {name: tensor.contiguous() for name, tensor in state.items()}
    with pytest.raises(UserError, match="none of these"):
        load_model(safetensors.torch.save(state, metadata), context.backbones, key="k", owner="me")
