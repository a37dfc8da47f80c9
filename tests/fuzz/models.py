"""Model files with damaged bytes and dishonest headers, and damaged settings."""

import functools
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors.torch
import timm
import torch

from tests.fuzz.registry import Kind
from tests.model_files import of_raw_pixels, packed, that_can_tell, unpacked
from tests.unit.tiny import TINY
from tl_core.backbones.store import BackboneStore
from tl_core.errors import UserError
from tl_core.settings import Settings
from tl_core.specs.attack import Attack, PasteBack, SmallestBudget, Survival, Transfer
from tl_core.specs.attribution import Attribute
from tl_core.specs.base import Spec
from tl_core.specs.classify import Classify
from tl_core.specs.datasets import ImportData, PreviewData
from tl_core.specs.download import Download
from tl_core.specs.every import spec_from_json
from tl_core.specs.feature_maps import ChannelDetail, FeatureMaps, FeatureSpace
from tl_core.specs.ideal import IdealImage, Judge
from tl_core.specs.training import FineTune, LabelBudget
from tl_core.training.model_file import load_model

MOST_S = 10.0
LONGEST = 600  # characters of a sentence
CLASSES = ("cats", "犬", "![x](y)")

_ODD: tuple[object, ...] = (
    None, True, False, 0, 1, -1, 2, 0.5, -0.5, 2**31, 2**63, -(2**63), 10**30, 1e308, 1e-308,
    float("nan"), float("inf"), float("-inf"), "", "x", "0", "own", "own:1", "efficientnet_lite0",
    "../../etc/passwd", "\0", "\ud800", "\u202e", "{x}", "{0.__class__}", "%s", "a" * 5000,
    "photo", "sample:cat", "pixels", [], [[]], [1], ["a", "b"], [["a", ["b", "c"]]], [None], {},
    {"a": 1}, [0, 10**9], "[" * 500, "F32", [2**40], [0], [-1, 5],
)  # fmt: skip

_NUMBERS = (0.0, 1e-40, -1e-40, 1e-20, -1e-6, -1.0, 1e20, 3e38, float("inf"), float("nan"))


def model_bytes(seed: int) -> None:
    """A model file with a few bytes changed, cut or put in, most of them in its header."""
    chance = random.Random(seed)
    data = bytearray(chance.choice(_files()))
    header = 8 + int.from_bytes(data[:8], "little")
    for _ in range(chance.choice((1, 1, 2, 5, 40))):
        end = min(chance.choice((8, header, header, len(data))), len(data))
        at = chance.randrange(max(end, 1))
        match chance.randrange(5):
            case 0:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del data[at:]
            case 2:
                del data[at : at + chance.randrange(1, 200)]
            case 3:
                data[at:at] = chance.randbytes(chance.randrange(1, 200))
            case _:
                data[at : at + 8] = chance.choice((b"\0" * 8, b"\xff" * 8, b'":[{}]\\u', b"9" * 8))
    _is_taken_or_refused(bytes(data))


def model_header(seed: int) -> None:
    """A model file whose header is well formed and says something else."""
    chance = random.Random(seed)
    data = chance.choice(_files())
    size = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + size]), data[8 + size :]
    for _ in range(chance.choice((1, 1, 2, 4))):
        inner = chance.choice((header["__metadata__"], chance.choice(list(header.values()))))
        target = chance.choice((header, inner, inner, inner))
        if isinstance(target, dict) and "__metadata__" in header:
            _change(target, chance)
        if not isinstance(header.get("__metadata__"), dict):
            break
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    length = chance.choice((len(text),) * 9 + (len(text) - 1, len(text) + 1, 2**63, 0))
    if chance.random() < 0.1:
        body = body[: chance.randrange(len(body))]
    _is_taken_or_refused(length.to_bytes(8, "little") + text + body)


def model_numbers(seed: int) -> None:
    """A model file in which some tensors hold numbers that no training leaves."""
    chance = random.Random(seed)
    state, metadata = unpacked(chance.choice(_files()))
    for name in chance.sample(sorted(state), min(len(state), chance.choice((1, 1, 2, 20)))):
        is_whole = not state[name].is_floating_point()
        value = chance.choice((-1, 2**62, -(2**63)) if is_whole else _NUMBERS)
        flat = state[name].view(-1)
        flat[chance.choice((slice(None), chance.randrange(len(flat))))] = value
    _is_taken_or_refused(safetensors.torch.save(state, metadata))


def model_settings(seed: int) -> None:
    """A model file whose settings or class names are damaged."""
    chance = random.Random(seed)
    settings = FineTune(dataset="colours", backbone="tiny").to_json()
    data = chance.choice(_files())
    size = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + size]), data[8 + size :]
    meta = header["__metadata__"]
    if chance.random() < 0.5:
        meta["settings"] = _damaged(settings, chance)
    else:
        names = [*CLASSES]
        names[chance.randrange(len(names))] = chance.choice(_ODD)  # type: ignore[call-overload]
        meta["classes"] = json.dumps(names)
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    _is_taken_or_refused(len(text).to_bytes(8, "little") + text + body)


def saved_settings(seed: int) -> None:
    """The JSON of a spec, damaged: refused in a sentence, or a spec that is whole."""
    chance = random.Random(seed)
    text = _damaged(chance.choice(_SPECS).to_json(), chance)
    try:
        spec = spec_from_json(text)
    except UserError as error:
        require_sentence(error)
    else:
        hash(spec)
        assert spec_from_json(spec.to_json()) == spec


KINDS = (
    Kind("model bytes", model_bytes),
    Kind("model header", model_header),
    Kind("model numbers", model_numbers),
    Kind("model settings", model_settings),
    Kind("saved settings", saved_settings),
)


def require_sentence(error: UserError) -> None:
    """Check that an error can be read by a person."""
    text = str(error)
    assert 20 < len(text) < LONGEST, text
    assert text.rstrip()[-1] in ".?!", text
    assert "Traceback" not in text
    assert "\n" not in text, text


def _is_taken_or_refused(data: bytes) -> None:
    started = time.process_time()
    try:
        model = load_model(data, _store(), key="own:x", owner="me")
    except UserError as error:
        require_sentence(error)
    else:
        classes = model.backbone.classes
        assert len(set(classes)) == len(classes) >= 2
        assert all(name.strip() and name.isprintable() for name in classes)
        assert model.size_bytes <= len(data)
        state = model.backbone.body.state_dict()
        assert all((t >= 0).all() for name, t in state.items() if name.endswith("running_var"))
        with torch.inference_mode():
            embedding = model.backbone.embed(torch.full((1, 3, 32, 32), 0.5))
            assert model.backbone.head(embedding).shape == (1, len(classes))
            novelty = model.backbone.novelty
            if novelty is not None:
                assert 0 < novelty.judge(embedding)[0].p_value <= 1
    assert time.process_time() - started < MOST_S


def _change(target: dict[str, Any], chance: random.Random) -> None:
    key = chance.choice(list(target) or ["x"])
    match chance.randrange(6):
        case 0:
            target.pop(key, None)
        case 1:
            target[str(chance.choice(_ODD))[:50]] = chance.choice(_ODD)
        case 2:
            target[key] = chance.choice(list(target.values()) or [0])
        case 3:
            target[key] = _damaged(str(target.get(key)), chance)
        case _:
            target[key] = chance.choice(_ODD)


def _damaged(text: str, chance: random.Random) -> str:
    """A JSON text with one of its values changed, or with other letters."""
    if chance.random() < 0.7:
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError):
            fields = None
        if isinstance(fields, dict):
            for _ in range(chance.choice((1, 1, 2, 3))):
                _change(fields, chance)
            return json.dumps(fields)
    at = chance.randrange(len(text) + 1)
    changes: tuple[Callable[[], str], ...] = (
        lambda: text[:at],
        lambda: text[:at] + chr(chance.randrange(1, 0xD800)) + text[at + 1 :],
        lambda: text[:at] + "[" * 100_000 + text[at:],
        lambda: text + text,
        lambda: text[:at] + "1" * 5000 + text[at:],
    )
    return chance.choice(changes)()


_SPECS: tuple[Spec, ...] = (
    Attack(photo="sample:cat"),
    Attribute(photo="sample:cat"),
    ChannelDetail(photo="sample:cat", others=("sample:coffee",), scale=(0.0, 1.0)),
    Classify(photo="sample:cat"),
    Download(name="resnet18"),
    FeatureMaps(photo="sample:cat"),
    FeatureSpace(photos=("a", "b", "c"), labels=("x", "x", "y")),
    FineTune(dataset="own", photos=(("a", ("1", "2")), ("b", ("3", "4")))),
    IdealImage(moves=((3, "mix", 0.5), (4, "tv_weight", None))),
    ImportData(dataset="eurosat"),
    Judge(photo="sample:cat", target=281),
    LabelBudget(dataset="digits"),
    PreviewData(dataset="digits"),
    PasteBack(photo="a", original="b"),
    SmallestBudget(photo="a", target=None, avoid="dog"),
    Survival(photo="a", original="b"),
    Transfer(photo="a", original="b", also=("efficientnet_lite1",)),
)


@functools.cache
def _files() -> tuple[bytes, ...]:
    """A small file of each kind: raw pixels, with "none of these" too, and a network of 2 MB."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = timm.create_model("test_resnet", pretrained=False, num_classes=len(CLASSES))
    tiny = packed(network.eval().state_dict(), "tiny", "Tiny", CLASSES)
    return of_raw_pixels("Raw pixels", CLASSES), that_can_tell("It can tell", CLASSES), tiny


@functools.cache
def _store() -> BackboneStore:
    nowhere = Settings(data_dir=Path("/nowhere"), weights_dir=Path("/nowhere"), device="cpu")
    return BackboneStore(nowhere, torch.device("cpu"), (TINY,))
