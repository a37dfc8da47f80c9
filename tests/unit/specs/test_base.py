import dataclasses
import json
import pickle

import pytest

from tl_core.errors import UserError
from tl_core.specs.attack import Attack, SmallestBudget
from tl_core.specs.attribution import Attribute
from tl_core.specs.base import Spec
from tl_core.specs.classify import Classify
from tl_core.specs.datasets import PreviewData
from tl_core.specs.download import Download
from tl_core.specs.every import spec_from_json
from tl_core.specs.feature_maps import ChannelDetail, FeatureMaps, FeatureSpace
from tl_core.specs.ideal import IdealImage
from tl_core.specs.training import FineTune, LabelBudget

WRONG = [
    {"target": 1.5},
    {"target": "284"},
    {"target": None},
    {"target": True},
    {"seed": 1.5},
    {"size": 33.5},
    {"steps": "8"},
    {"mix": None},
    {"augmentation": None},
    {"tv_weight": "much"},
    {"photo": 5},
    {"layer": None},
    {"is_unit": 1},
    {"backbone": ["tiny"]},
    {"also": "tiny"},
    {"also": [1]},
    {"precision": ["auto"]},
    {"moves": [[1, "mix"]]},
    {"moves": [[1.5, "mix", 0.5]]},
    {"moves": [[1, "mix", None]]},
    {"moves": [1]},
]
WRONG_MOVES = [[1, "photo", "q"], [-1, "epsilon", 2], [1, "epsilon", 99], [1, "method", "magic"]]


@pytest.mark.parametrize("fields", WRONG, ids=json.dumps)
def test_a_value_of_another_type_is_refused_in_a_sentence_as_it_is_read(fields) -> None:
    text = json.dumps({"kind": "IdealImage"} | fields)
    with pytest.raises(UserError, match=rf"{next(iter(fields))} cannot be|must be") as refused:
        spec_from_json(text)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize("move", WRONG_MOVES, ids=json.dumps)
def test_a_move_that_an_attack_cannot_make_is_refused_in_a_sentence(move) -> None:
    text = json.dumps({"kind": "Attack", "photo": "p", "moves": [move]})
    with pytest.raises(UserError, match="must be"):
        spec_from_json(text)


def test_a_whole_number_may_stand_where_a_fraction_may() -> None:
    assert spec_from_json('{"kind": "IdealImage", "mix": 1}') == IdealImage(mix=1.0)


@pytest.mark.parametrize(
    "spec",
    [
        IdealImage(also=("a", "b"), tv_weight=2.5, moves=((3, "tv_weight", None), (4, "mix", 0.5))),
        Attack(photo="sample:cat", target=None, avoid="dog"),
        Attack(photo="sample:cat", moves=((3, "epsilon", 2), (4, "method", "transfer"))),
        FineTune(dataset="own", photos=(("a", ("1", "2")), ("b", ("3", "4")))),
        LabelBudget(dataset="digits", counts=(1, 2)),
        FeatureSpace(photos=("a", "b", "c"), labels=("x", "x", "y"), method="tsne"),
        FeatureMaps(photo="sample:cat", layer="bn1", channels=64, scale=(-1.0, 2.0)),
        ChannelDetail(photo="sample:cat", channel=3, others=("sample:car",)),
        Attribute(photo="sample:cat", methods=("gradcam", "occlusion"), targets=(1,), contrast=2),
        Download(name="vgg16"),
    ],
    ids=lambda spec: type(spec).__name__,
)
def test_what_the_lab_writes_it_reads_and_a_spec_can_be_a_key(spec) -> None:
    assert spec_from_json(spec.to_json()) == spec
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert hash(spec_from_json(spec.to_json())) == hash(spec)


@pytest.mark.parametrize("spec", [IdealImage(), Attack(photo="p")])
def test_what_other_recipes_drew_is_not_repeated_wrongly(spec) -> None:
    written = json.loads(spec.to_json())
    for old in (written | {"recipe_version": 1}, without(written, "recipe_version")):
        with pytest.raises(UserError, match="version 1 of the lab's recipes"):
            spec_from_json(json.dumps(old))
    by_hand = without(written, "recipe_version", "version")
    assert spec_from_json(json.dumps(by_hand)) == spec


def without(fields: dict[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in fields.items() if name not in names}


def test_a_spec_of_another_version_is_refused_by_its_number() -> None:
    written = json.loads(IdealImage().to_json())
    assert written["version"] == 1
    with pytest.raises(UserError, match="its version is 2, and this lab reads 1"):
        spec_from_json(json.dumps(written | {"version": 2}))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"kind": "' + "x" * 9000 + '"}'])
def test_settings_that_go_too_far_are_refused_in_a_short_sentence(text):
    with pytest.raises(UserError, match="isn't one of the lab's settings files") as refused:
        spec_from_json(text)
    assert len(str(refused.value)) < 300


RANGES: dict[Spec, dict[str, tuple[float, float]]] = {
    Classify(photo="p"): {"seed": (0, 2**32 - 1), "top": (1, 1000)},
    Attribute(photo="p"): {
        "steps": (4, 256),
        "noise_samples": (0, 32),
        "patch": (8, 128),
        "strength": (0, 1),
    },
    PreviewData(dataset="d"): {
        "validation_share": (0.05, 0.9),
        "max_validation": (2, 100_000),
        "thumbnails": (0, 50),
        "thumbnail_side": (16, 512),
    },
    FeatureMaps(photo="p"): {"channels": (1, 64)},
    ChannelDetail(photo="p"): {"channel": (0, 2**16)},
    FeatureSpace(photos=("p", "q", "r")): {"perplexity": (1, 100)},
    LabelBudget(dataset="d"): {"repeats": (1, 20)},
    FineTune(dataset="d"): {
        "photos_per_class": (0, 100_000),
        "epochs": (0, 200),
        "learning_rate": (0, 10),
        "momentum": (0, 0.999),
        "weight_decay": (0, 10),
        "dropout": (0, 0.9),
        "batch_size": (1, 512),
        "early_stopping": (0, 200),
        "clip_norm": (0, 1000),
    },
    IdealImage(): {
        "target": (0, 10**6),
        "second_target": (0, 10**6),
        "channel": (0, 10**6),
        "steps": (1, 100_000),
    },
    Attack(photo="p"): {"steps": (1, 4096), "confidence": (0, 1)},
    SmallestBudget(photo="p"): {"steps": (1, 4096), "value_steps": (0, 4096)},
}


@pytest.mark.parametrize(
    ("spec", "name", "low", "high"),
    [
        pytest.param(spec, name, *limits, id=f"{type(spec).__name__}.{name}")
        for spec, ranges in RANGES.items()
        for name, limits in ranges.items()
    ],
)
def test_a_number_reaches_both_ends_of_its_range_and_goes_no_further(spec, name, low, high) -> None:
    for value in (low, high):
        assert getattr(dataclasses.replace(spec, **{name: value}), name) == value
    for value in (low - 1, high + 1, float("nan")):
        with pytest.raises(UserError, match=f"^{name} must be between {low} and {high}, got "):
            dataclasses.replace(spec, **{name: value})
