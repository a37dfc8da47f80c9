import json
import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.local_compute import local
from tests.png_text import png_text
from tl_core import commands
from tl_core.commands.output import Result
from tl_core.images import samples
from tl_core.images.encode import encode_png
from tl_core.specs.ideal import IdealImage
from tl_core.specs.training import FineTune


@pytest.fixture(autouse=True)
def own_folders(monkeypatch, tmp_path):
    monkeypatch.setenv("TL_DEVICE", "cpu")
    monkeypatch.setenv("TL_WEIGHTS_DIR", str(tmp_path / "weights"))
    monkeypatch.setenv("TL_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TL_MIRROR", "http://127.0.0.1:9")


@pytest.fixture
def cat(tmp_path):
    file = tmp_path / "cat.png"
    file.write_bytes(samples.read("sample:cat"))
    return str(file)


@pytest.fixture
def found_by(capsys):
    """Run a command with ``--json``; the one object that it prints, and nothing else."""

    def found(*arguments):
        assert commands.main([*map(str, arguments), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return found


def test_classify_prints_one_json_object_and_nothing_else(cat, found_by):
    found = found_by("classify", cat, "--top", "3")
    assert len(found["answers"]) == 3
    assert "cat" in found["answers"][0]["label"]


def test_preparing_what_is_here_already_succeeds(found_by):
    found = found_by("prepare", "efficientnet_lite0")
    assert found == {"ready": ["efficientnet_lite0"], "failed": {}}


def test_preparing_goes_on_after_a_failure_and_names_what_failed(capsys):
    names = ["resnet18", "digits", "resnet99", "efficientnet_lite0"]
    assert commands.main(["prepare", *names, "--json"]) == 2
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["ready"] == ["digits", "efficientnet_lite0"]
    assert list(found["failed"]) == ["resnet18", "resnet99"]
    assert [line.split(".")[0] for line in err.splitlines()] == [
        "Not ready: resnet18",
        "Not ready: resnet99",
    ]


def test_without_its_packages_the_lab_says_how_to_install_them():
    command = [sys.executable, "-S", "-m", "tl_core", "doctor"]  # -S: no installed packages
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "pip install -r requirements.txt" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_command_that_needs_no_network_does_not_wait_for_torch():
    program = "import sys; from tl_core.commands import main; main(['mirror', '/', 'nope']); "
    program += "sys.exit('torch' in sys.modules)"
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0
    assert "nothing called nope" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["classify", "missing.jpg"], "cannot be read"),
        (["prepare", "resnet99"], "nothing called resnet99 to download. Choose one of: efficient"),
        (["prepare", "resnet99"], "vgg19, cats_and_dogs_handful, digits"),
        (["prepare", "resnet18"], "127.0.0.1"),
        (["prepare", "eurosat"], "127.0.0.1"),
        (["bench", "nothing"], "usage"),
    ],
)
def test_a_mistake_is_one_line_on_standard_error_and_status_2(arguments, sentence, capsys):
    assert commands.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
    assert len(err.strip().splitlines()) == 1


def test_a_file_that_is_no_photograph_is_status_2(tmp_path, capsys):
    file = tmp_path / "cat.jpg"
    file.write_bytes(b"not a photograph")
    assert commands.main(["classify", str(file)]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_features_writes_a_grid_of_the_layers_maps(cat, tmp_path, found_by):
    grid = tmp_path / "grid.png"
    found = found_by("features", cat, "--layer", "blocks.2.0", "--top", "8", "--out", grid)
    assert found["shape"] == [40, 28, 28]
    assert len(found["channels"]) == 8
    assert grid.read_bytes().startswith(b"\x89PNG")


def test_attribute_writes_the_reasons_for_a_class_named_in_words(cat, tmp_path, found_by):
    overlay = tmp_path / "overlay.png"
    arguments = ["attribute", cat, "--method", "gradcam", "--target", "tabby"]
    found = found_by(*arguments, "--out", overlay)
    assert found["target"]["index"] == 281
    assert 0 <= found["faithfulness"]["important_blurred"] <= 1
    assert overlay.read_bytes().startswith(b"\x89PNG")


def test_an_unknown_class_gets_a_hint(cat, tmp_path, capsys):
    out = str(tmp_path / "o.png")
    assert commands.main(["attribute", cat, "--target", "siamese", "--out", out]) == 2
    assert "Did you mean: Siamese cat?" in capsys.readouterr().err


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture).astype(int)


def test_a_saved_attack_differs_by_its_budget_alone_and_is_still_one(cat, tmp_path, found_by):
    fooled, seen = tmp_path / "fooled.png", tmp_path / "seen.png"
    arguments = ["attack", cat, "--target", "zebra", "--epsilon", "2", "--out", fooled]
    found = found_by(*arguments, "--original", seen)
    assert found["fooled"]
    assert np.abs(pixels(fooled) - pixels(seen)).max() == found["linf_levels"] <= 2
    assert found_by("classify", fooled)["answers"][0]["label"] == "zebra"


@pytest.mark.parametrize("has_photo", [False, True])
def test_an_ideal_image_replays_from_the_settings_inside_it_to_the_same_bytes(
    cat, tmp_path, found_by, has_photo
):
    first, again, settings = (tmp_path / name for name in ("1.png", "2.png", "1.json"))
    start = ["--photo", cat] if has_photo else []
    found_by("ideal", "--target", "volcano", "--steps", "6", "--tv", "20", *start, "--out", first)
    settings.write_text(next(iter(png_text(first.read_bytes()).values())))
    found_by("ideal", "--spec", settings, *start, "--out", again)
    assert again.read_bytes() == first.read_bytes()


def test_a_channels_picture_has_no_probability(tmp_path, found_by):
    settings = tmp_path / "channel.json"
    settings.write_text(IdealImage(layer="bn2", channel=5, steps=2).to_json())
    found = found_by("ideal", "--spec", settings, "--out", tmp_path / "out.png")
    assert found["probability"] is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--target", "unicorn"], "no class called unicorn"),
        (["--target", "284", "--steps", "1000000"], "steps"),
        (["--target", "284", "--tv", "nan"], "tv_weight"),
        (["--target", "284", "--out", "attic/out.png"], "no folder attic"),
        ([], "--target"),
        (["--spec", "missing.json"], "cannot be read"),
    ],
)
def test_an_impossible_ideal_image_is_refused_in_one_line(arguments, sentence, tmp_path, capsys):
    out = tmp_path / "out.png"
    assert commands.main(["ideal", "--out", str(out), *arguments]) == 2
    assert sentence in capsys.readouterr().err
    assert not out.exists()


@pytest.fixture
def colours(tmp_path):
    """A folder of reddish and bluish pictures, a folder per class."""
    for place, name in enumerate(("red", "blue")):
        (tmp_path / "colours" / name).mkdir(parents=True)
        for number in range(6):
            picture = np.random.default_rng(10 * place + number).integers(0, 90, (40, 40, 3))
            picture[..., 2 * place] += 150
            file = tmp_path / "colours" / name / f"{number}.png"
            file.write_bytes(encode_png(picture.astype(np.uint8)))
    return tmp_path / "colours"


@pytest.mark.parametrize("mode", ["head", "pixels"])
def test_train_teaches_a_folder_and_writes_a_model_that_loads(
    colours, mode, tmp_path, found_by, lab
):
    out = tmp_path / "model.safetensors"
    found = found_by("train", "--data", colours, "--mode", mode, "--epochs", "20", "--out", out)
    assert found["accuracy"] == 1.0
    assert found["interval"][0] < found["accuracy"] <= found["interval"][1]
    assert found["top3"] == 1.0
    assert found["seconds"] > 0
    assert found["out"] == str(out)
    assert found["classes"] == ["blue", "red"]
    key = lab.models.load(out.read_bytes(), "me")
    assert lab.backbones.classes(key) == ("blue", "red")


def test_classify_asks_a_models_file_and_says_where_it_is_none_of_its_classes(
    colours, cat, tmp_path, capsys
):
    for place, name in enumerate(("red", "blue")):
        for number in range(6, 14):
            picture = np.random.default_rng(10 * place + number).integers(0, 90, (40, 40, 3))
            picture[..., 2 * place] += 150
            file = colours / name / f"{number}.png"
            file.write_bytes(encode_png(picture.astype(np.uint8)))
    out, known = str(tmp_path / "model.safetensors"), str(colours / "red" / "0.png")
    assert commands.main(["train", "--data", str(colours), "--out", out, "--json"]) == 0
    capsys.readouterr()
    for photo, is_none in ((cat, True), (known, False)):
        assert commands.main(["classify", photo, "--backbone", out, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["is_none_of_these"] is is_none
    assert commands.main(["classify", cat, "--backbone", out]) == 0
    assert capsys.readouterr().out.startswith("none of these (p = 0.0")


def test_train_says_what_it_was_tested_on_and_whether_the_head_alone_was_kept(
    colours, tmp_path, capsys
):
    arguments = ["train", "--data", str(colours), "--mode", "last-block", "--epochs", "1"]
    arguments += ["--out", str(tmp_path / "m.safetensors")]
    assert commands.main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["tested_on"] == "validation photographs, which also chose the epoch"
    assert isinstance(found["is_head_alone"], bool)
    assert 0 <= found["unfrozen_accuracy"] <= 1
    assert commands.main(arguments) == 0
    out = capsys.readouterr().out
    assert "validation photographs, which also chose the epoch" in out
    assert ("the head alone was kept" in out) == found["is_head_alone"]


def test_train_replays_the_settings_that_the_page_hands_out(colours, tmp_path, capsys, lab):
    spec = FineTune(
        dataset="photographs of one's own",
        mode="pixels",
        epochs=3,
        optimiser="momentum",
        learning_rate=0.02,
        batch_size=4,
        augmentation="mirror",
        seed=5,
    )
    settings, out = tmp_path / "model.json", tmp_path / "m.safetensors"
    settings.write_text(spec.to_json())
    arguments = ["train", "--data", str(colours), "--spec", str(settings), "--out", str(out)]
    assert commands.main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mode"] == "pixels"
    trained = (
        local(lab).context.backbones.load(lab.models.load(out.read_bytes(), "me")).trained_with
    )
    assert trained == replace(spec, dataset="folder:colours")


def test_train_needs_photographs_to_learn_from(tmp_path, capsys):
    settings, out = tmp_path / "model.json", str(tmp_path / "m.safetensors")
    settings.write_text(FineTune(dataset="photographs of one's own").to_json())
    for arguments in ([], ["--spec", str(settings)]):
        assert commands.main(["train", *arguments, "--out", out]) == 2
        assert "Name a folder of photographs with --data" in capsys.readouterr().err
    settings.write_text(IdealImage(target=1).to_json())
    assert commands.main(["train", "--spec", str(settings), "--out", out]) == 2
    assert "the settings of another page" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["digits", "own", ".hidden"])
def test_train_learns_from_the_folder_that_is_named_whatever_its_name(
    name, colours, tmp_path, found_by
):
    folder = colours.rename(tmp_path / name)
    arguments = ["train", "--data", folder, "--epochs", "1"]
    found = found_by(*arguments, "--out", tmp_path / "m.safetensors")
    assert found["classes"] == ["blue", "red"]


@pytest.mark.parametrize(
    ("data", "out", "sentence"),
    [
        ("nothing", "m.safetensors", "is no folder"),
        (
            "empty",
            "m.safetensors",
            "folders of photographs in empty, one for each class, but found 0.",
        ),
        (
            "colours/red",
            "m.safetensors",
            "folders of photographs in red, one for each class, but found 0.",
        ),
        ("hollow", "m.safetensors", "hollow has photographs of fewer than two classes."),
        ("colours", "nowhere/m.safetensors", "there is no folder"),
    ],
)
def test_train_refuses_in_a_sentence(data, out, sentence, colours, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    for name in ("cats", "dogs"):
        (tmp_path / "hollow" / name).mkdir(parents=True)
    arguments = ["train", "--data", str(tmp_path / data), "--out", str(tmp_path / out)]
    assert commands.main(arguments) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.out == ""


def test_json_has_null_for_what_is_no_number():
    assert Result({"a": math.inf, "b": [math.nan]}, "").to_json() == '{"a": null, "b": [null]}'
