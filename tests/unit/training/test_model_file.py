import dataclasses
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from tests.hostile import saved
from tests.model_files import unpacked
from tests.unit.training.conftest import Do, photo_of
from tl_core.api.models import Models
from tl_core.backbones.backbone import Backbone
from tl_core.backbones.catalogue import CATALOGUE, BackboneRow
from tl_core.context import Context
from tl_core.errors import UserError
from tl_core.settings import Settings
from tl_core.specs.training import FineTune, FineTuneSnapshot
from tl_core.training.model_file import load_model, plain_pytorch, require_loadable, save_model

CONFIG = Path(__file__).parents[3] / ".streamlit" / "config.toml"
State = dict[str, torch.Tensor]
Meta = dict[str, str]


def taught(do: Do, context: Context, mode: str, **fields: Any) -> Backbone:
    usual: dict[str, Any] = {"backbone": "tiny", "dataset": "colours", "epochs": 2}
    job = do(FineTune(mode=mode, head_first=False, **usual | fields))
    assert isinstance(job.snapshot, FineTuneSnapshot)
    assert job.snapshot.result is not None
    return context.backbones.load(job.snapshot.result.model)


def probe() -> torch.Tensor:
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("mode", ["head", "last-block", "scratch", "pixels"])
def test_a_loaded_model_answers_as_the_saved_one(mode: str, do: Do, context: Context) -> None:
    model = taught(do, context, mode)
    assert save_model(model) == save_model(model)  # one file, however often it is made
    loaded = load_model(save_model(model), context.backbones, key="own:x", owner="me")
    assert loaded.backbone.classes == model.classes
    assert loaded.backbone.label == model.label
    torch.testing.assert_close(loaded.backbone.logits(probe()), model.logits(probe()))
    assert not any(p.requires_grad for p in loaded.backbone.body.parameters())


@pytest.mark.parametrize("mode", ["head", "pixels"])
def test_a_model_whose_inputs_were_not_scaled_goes_on_without(
    mode: str, do: Do, context: Context
) -> None:
    model = taught(do, context, mode, input_scaling=False)
    torch.testing.assert_close(model.normalise(probe()), 255 * probe())
    loaded = load_model(save_model(model), context.backbones, key="own:x", owner="me")
    torch.testing.assert_close(loaded.backbone.logits(probe()), model.logits(probe()))


@pytest.mark.parametrize("mode", ["head", "last-block", "scratch", "pixels"])
def test_what_the_backbone_has_can_be_left_out(mode: str, do: Do, context: Context) -> None:
    model, base = taught(do, context, mode), context.backbones.load("tiny")
    beside = None if mode == "pixels" else base
    parts, whole = save_model(model, beside=beside), save_model(model)
    assert len(parts) < len(whole) if mode in {"head", "last-block"} else len(parts) == len(whole)
    loaded = load_model(parts, context.backbones, key="own:x", owner="me", beside=beside)
    torch.testing.assert_close(loaded.backbone.logits(probe()), model.logits(probe()))


@pytest.mark.parametrize("mode", ["head", "last-block", "full", "scratch"])
def test_a_loaded_model_computes_with_the_layers_of_the_saved_one(
    mode: str, do: Do, context: Context
) -> None:
    model = taught(do, context, mode)
    loaded = load_model(save_model(model), context.backbones, key="own:x", owner="me").backbone
    kinds = [[type(layer) for layer in body.modules()] for body in (model.body, loaded.body)]
    assert kinds[0] == kinds[1]


def test_what_the_backbone_has_already_is_shared(do: Do, context: Context) -> None:
    model = taught(do, context, "head")
    loaded = load_model(save_model(model), context.backbones, key="own:x", owner="me")
    assert loaded.size_bytes == 4 * (2 * model.embedding_size + 2)
    base = context.backbones.load("tiny")
    assert not any(p.requires_grad for p in base.body.parameters())


def test_settings_survive_saving_and_loading_without_the_photographs(
    do: Do, context: Context
) -> None:
    keys = [
        tuple(context.photos.add(saved(photo_of(c, n), "PNG"), "me") for n in range(3))
        for c in range(2)
    ]
    photos = (("tea", keys[0]), ("coffee", keys[1]))
    spec = FineTune(backbone="tiny", dataset="own", photos=photos, seed=7, schedule="constant")
    job = do(spec, on=lambda job: job.update(learning_rate=0.02))
    assert isinstance(job.snapshot, FineTuneSnapshot)
    assert job.snapshot.result is not None
    data = save_model(context.backbones.load(job.snapshot.result.model))
    assert keys[0][0].encode() not in data
    trained_with = load_model(
        data, context.backbones, key="own:x", owner="me"
    ).backbone.trained_with
    assert trained_with is not None
    assert (trained_with.seed, trained_with.backbone, trained_with.schedule) == (
        7,
        "tiny",
        "constant",
    )
    assert trained_with.learning_rate == 0.02
    assert trained_with.photos == ()


def test_raw_pixels_are_loaded_with_the_preprocessing_they_were_taught_with(
    do: Do, context: Context
) -> None:
    other = dataclasses.replace(context.backbones.rows["tiny"], key="other", resize=99)
    data = save_model(taught(do, context, "pixels"))
    context.backbones.rows = {"other": other, **context.backbones.rows}
    loaded = load_model(data, context.backbones, key="own:x", owner="me")
    assert loaded.backbone.row.resize == 36


@pytest.mark.parametrize("mode", ["head", "last-block", "full", "scratch"])
def test_a_model_of_raw_pixels_is_taught_again_in_any_way(
    mode: str, do: Do, context: Context
) -> None:
    first = taught(do, context, "pixels")
    model = taught(do, context, mode, backbone=first.key)
    loaded = load_model(save_model(model), context.backbones, key="own:x", owner="me")
    torch.testing.assert_close(loaded.backbone.logits(probe()), model.logits(probe()))


@pytest.mark.parametrize("mode", ["head", "pixels"])
def test_ten_lines_of_plain_pytorch_give_the_same_answer(
    mode: str,
    do: Do,
    context: Context,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = taught(do, context, mode)
    lines = plain_pytorch(model)
    code = [line for line in lines.splitlines() if line and not line.startswith(("import", "from"))]
    assert len(code) <= 10
    monkeypatch.chdir(tmp_path)
    Path("model.safetensors").write_bytes(save_model(model))
    photo = photo_of(1, 3).resize((36, 36))
    photo.save("photo.jpg", quality=100, subsampling=0)
    exec(compile(lines, "lines", "exec"), {})  # the visitor's own copy of what we hand out
    name, confidence = capsys.readouterr().out.split()
    from PIL import Image

    crop = np.asarray(Image.open("photo.jpg").convert("RGB"))[2:34, 2:34]
    pixels = torch.from_numpy(crop.copy()).permute(2, 0, 1)[None].float() / 255
    probs = model.logits(pixels).softmax(1)[0]
    assert name == model.classes[int(probs.argmax())]
    assert float(confidence) == pytest.approx(float(probs.max()), abs=1e-4)


def _changed(name: str, value: object) -> Callable[[State, Meta], None]:
    return lambda _state, meta: meta.update({name: str(value)})


def _drop_tensor(state: State, _: Meta) -> None:
    del state["conv1.0.weight" if "conv1.0.weight" in state else next(iter(state))]


def _add_tensor(state: State, _: Meta) -> None:
    state["extra"] = torch.zeros(1)


def _reshape(state: State, _: Meta) -> None:
    state["fc.weight"] = torch.zeros(3, 3)


def _retype(state: State, _: Meta) -> None:
    state["fc.bias"] = state["fc.bias"].double()


def _overflow(state: State, _: Meta) -> None:
    for name in [name for name in state if "conv" in name and name.endswith("weight")]:
        state[name] = torch.full_like(state[name], 3e38)


def _negative_variance(state: State, _: Meta) -> None:
    name = next(name for name in state if name.endswith("running_var"))
    state[name] = torch.full_like(state[name], -1e-6)  # the layer adds 1e-5


def _poison(state: State, _: Meta) -> None:
    state["fc.bias"] = state["fc.bias"] * float("nan")


TRICKS: dict[str, Callable[[State, Meta], object]] = {
    "no format": _changed("format", ""),
    "unknown backbone": _changed("backbone", "../../x"),
    "own backbone": _changed("backbone", "own:1"),
    "classes no list": _changed("classes", '"cat"'),
    "classes no JSON": _changed("classes", "[["),
    "one class": _changed("classes", '["cat"]'),
    "a class too many": _changed("classes", '["a", "b", "c"]'),
    "a name too many": _changed("classes", json.dumps([str(n) for n in range(1001)])),
    "class is a number": _changed("classes", "[1, 2]"),
    "two classes of one name": _changed("classes", '["cat", "cat"]'),
    "names that differ in nothing seen": _changed("classes", '["cat", "cat\\u200b"]'),
    "names of other characters that look the same": _changed(
        "classes", json.dumps(["caf\u00e9", "cafe\u0301"])
    ),
    "names that differ where they are cut": _changed(
        "classes", json.dumps(["x" * 60 + "a", "x" * 60 + "b"])
    ),
    "a name of nothing seen": _changed("classes", '["cat", "\\u202e"]'),
    "no classes": lambda _state, meta: meta.pop("classes"),
    "settings no JSON": _changed("settings", "{"),
    "settings of another page": _changed("settings", '{"kind": "ImportData", "dataset": "x"}'),
    "deep": _changed("classes", "[" * 100_000),
    "tensor missing": _drop_tensor,
    "tensor too many": _add_tensor,
    "other shape": _reshape,
    "other type": _retype,
    "not finite": _poison,
    "answers not finite": _overflow,
    "negative variance": _negative_variance,
}


REFUSAL = "isn't one of the lab's model files, or it is damaged: (it|its|the tensor|a variance) "


@pytest.mark.parametrize("trick", TRICKS)
def test_a_file_that_was_tampered_with_is_refused(trick: str, do: Do, context: Context) -> None:
    state, metadata = unpacked(save_model(taught(do, context, "head")))
    TRICKS[trick](state, metadata)
    with pytest.raises(UserError, match=REFUSAL):
        load_model(safetensors.torch.save(state, metadata), context.backbones, key="k", owner="me")


def test_a_model_that_answers_noise_but_no_white_picture_is_refused(
    do: Do, context: Context
) -> None:
    state, metadata = unpacked(save_model(taught(do, context, "pixels")))
    state["2.weight"] = torch.full_like(state["2.weight"], 2e35)
    pixels = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    model = context.backbones.own_models("me")[0]
    head = torch.nn.functional.linear(model.embed(pixels), state["2.weight"], state["2.bias"])
    assert head.isfinite().all()
    with pytest.raises(UserError, match="infinite or not numbers"):
        load_model(safetensors.torch.save(state, metadata), context.backbones, key="k", owner="me")


@pytest.mark.parametrize("profile", ["cloud", "server"])
@pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: row.key)
def test_the_largest_file_of_each_network_can_be_sent_and_loaded(
    profile: str, row: BackboneRow
) -> None:
    settings = Settings.from_env({"TL_PROFILE": profile})
    limit = Models(None, settings).largest_file_mb  # type: ignore[arg-type]
    assert limit <= tomllib.loads(CONFIG.read_text())["server"]["maxUploadSize"]
    if row.needs_memory_mb <= settings.network_memory_mb:
        assert 1e6 * row.parameters_m * 4 / 2**20 + 1 < limit


def test_what_this_lab_would_not_take_back_is_said_before_it_is_saved(
    do: Do, context: Context
) -> None:
    model = taught(do, context, "head")
    size_mb = len(save_model(model)) / 2**20
    require_loadable(model, round(size_mb) + 2)
    with pytest.raises(UserError, match="of at most 1 MB, and this one has 3 MB"):
        require_loadable(model, 1)
    twins = dataclasses.replace(model, classes=("cat", "cat\u200b"))
    with pytest.raises(UserError, match=r"its class names are not all different\."):
        require_loadable(twins, 700)


HEADERS = [b"{", b"null", *(b'{"__metadata__": %s}' % said for said in (b'"x"', b"[1]", b"null"))]


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"\xff" * 100, b"\x02\0\0\0\0\0\0\0{}", b"\x02\0\0\0\0\0\0\0[]", b"PK\x03\x04" * 9]
    + [len(header).to_bytes(8, "little") + header for header in HEADERS],
)
def test_other_files_are_refused(data: bytes, context: Context) -> None:
    with pytest.raises(UserError, match=REFUSAL):
        load_model(data, context.backbones, key="k", owner="me")


def test_a_file_cut_short_is_refused(do: Do, context: Context) -> None:
    data = save_model(taught(do, context, "head"))
    for length in (100, len(data) // 2, len(data) - 1):
        with pytest.raises(UserError, match=REFUSAL):
            load_model(data[:length], context.backbones, key="k", owner="me")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("柴犬\u3000（しば）", "柴犬\u3000（しば）"),
        ("か\u3099", "か\u3099"),
        ("神\ufa19", "神\ufa19"),
        ("👩\u200d🔬", "👩\u200d🔬"),
        ("a\u3164b\u2800", "a b"),
        ("cat\u202egnp.exe", "catgnp.exe"),
        (" a\n\t b\0", "a b"),
    ],
)
def test_a_loaded_class_keeps_its_name_but_for_what_is_not_seen(
    name: str, kept: str, do: Do, context: Context
) -> None:
    state, metadata = unpacked(save_model(taught(do, context, "pixels")))
    metadata |= {"classes": json.dumps([name, "other"]), "label": f"x {name}"}
    data = safetensors.torch.save(state, metadata)
    backbone = load_model(data, context.backbones, key="k", owner="me").backbone
    assert backbone.classes == (kept, "other")
    assert backbone.label == f"x {kept}"


def test_a_name_that_is_longer_than_any_here_is_cut(do: Do, context: Context) -> None:
    model = dataclasses.replace(taught(do, context, "pixels"), classes=("x" * 61, "other"))
    loaded = load_model(save_model(model), context.backbones, key="k", owner="me")
    assert loaded.backbone.classes == ("x" * 60, "other")
